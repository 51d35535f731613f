/** Test counts out of the reports that the runners write. */
import { z } from 'zod';

/** A skipped test proves nothing, so it counts as failed. */
export interface Counts {
	readonly passed: number;
	readonly failed: number;
}

const Vitest = z.object({
	numPassedTests: z.int(),
	numFailedTests: z.int(),
	numPendingTests: z.int(),
	numTodoTests: z.int()
});

const Playwright = z.object({
	stats: z.object({
		expected: z.int(),
		unexpected: z.int(),
		flaky: z.int(),
		skipped: z.int()
	})
});

/** Reads the JSON report of vitest. Throws when it is none. */
export function readVitest(report: unknown): Counts {
	const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = Vitest.parse(report);
	return { passed: numPassedTests, failed: numFailedTests + numPendingTests + numTodoTests };
}

/** Reads the JSON report of Playwright. Throws when it is none. */
export function readPlaywright(report: unknown): Counts {
	const { expected, unexpected, flaky, skipped } = Playwright.parse(report).stats;
	return { passed: expected, failed: unexpected + flaky + skipped };
}
