/** Test counts out of the reports that the runners write. */
import { z } from 'zod';

/** A skipped test proves nothing, so it counts as failed. */
export const Counts = z.object({
	passed: z.int(),
	failed: z.int(),
	/** Of those that passed, the ones that failed at first: each is a fault to be looked for. */
	flaky: z.array(z.string())
});
export type Counts = z.infer<typeof Counts>;

const PlaywrightSpec = z.object({
	title: z.string(),
	tests: z.array(z.object({ status: z.enum(['expected', 'unexpected', 'flaky', 'skipped']) }))
});
interface PlaywrightSuite {
	specs: z.infer<typeof PlaywrightSpec>[];
	suites?: PlaywrightSuite[] | undefined;
}
const PlaywrightSuite: z.ZodType<PlaywrightSuite> = z.object({
	specs: z.array(PlaywrightSpec),
	get suites() {
		return z.array(PlaywrightSuite).optional();
	}
});
const Playwright = z.object({
	suites: z.array(PlaywrightSuite),
	// A file that does not load has no specs.
	errors: z.array(z.unknown())
});

/** Reads what `counts-reporter.ts` wrote. Throws when it is something else. */
export function readVitest(report: unknown): Counts {
	return Counts.parse(report);
}

/** Reads the JSON report of Playwright. Throws when it is none. */
export function readPlaywright(report: unknown): Counts {
	const { suites, errors } = Playwright.parse(report);
	const counts = { passed: 0, failed: errors.length, flaky: [] as string[] };
	const count = ({ specs, suites = [] }: PlaywrightSuite): void => {
		for (const { title, tests } of specs)
			for (const { status } of tests) {
				if (status === 'flaky') counts.flaky.push(title);
				if (status === 'expected' || status === 'flaky') counts.passed += 1;
				else counts.failed += 1;
			}
		suites.forEach(count);
	};
	suites.forEach(count);
	return counts;
}
