/** Writes a run's counts to the file that CUELIGHT_COUNTS names, for `run-all.ts` to read. */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule, SerializedError } from 'vitest/node';
import type { Counts } from './counts.ts';

export default class CountsReporter implements Reporter {
	onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
		const file = process.env.CUELIGHT_COUNTS;
		if (file === undefined) return;
		const counts: Counts = { passed: 0, failed: unhandled.length, flaky: [] };
		for (const module of modules) {
			if (module.errors().length > 0) counts.failed += 1;
			for (const test of module.children.allTests()) {
				if (test.ok() && test.result().state === 'passed') counts.passed += 1;
				else counts.failed += 1;
				if (test.diagnostic()?.flaky) counts.flaky.push(test.fullName);
			}
		}
		writeFileSync(file, JSON.stringify(counts));
	}
}
