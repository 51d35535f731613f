import { describe, expect, test } from 'vitest';
import { find, systemPaths, type Machine } from './tools/chromium.ts';
import { readPlaywright, readVitest } from './tools/counts.ts';

describe('a Chromium is found', () => {
	const machine = (files: readonly string[], change: Partial<Machine> = {}): Machine => ({
		chromiumPath: undefined,
		playwrightPath: '/cache/chrome',
		exists: (path) => files.includes(path),
		...change
	});
	const system = systemPaths[0] ?? '';
	test('where CHROMIUM_PATH says, before all others', () => {
		const found = find(machine(['/own', system], { chromiumPath: '/own' }));
		expect(found?.path).toBe('/own');
	});
	test('and a CHROMIUM_PATH that names nothing is said to do so', () => {
		expect(() => find(machine([system], { chromiumPath: '/gone' }))).toThrow(/CHROMIUM_PATH.*gone/);
	});
	test("in the system before Playwright's own", () => {
		expect(find(machine([system, '/cache/chrome']))?.path).toBe(system);
		expect(find(machine(['/cache/chrome']))?.path).toBe('/cache/chrome');
	});
	test('nowhere', () => {
		expect(find(machine([]))).toBeNull();
		expect(find(machine([], { playwrightPath: null }))).toBeNull();
	});
});

describe('a skipped test counts as failed', () => {
	test('in vitest', () => {
		const report = { numPassedTests: 3, numFailedTests: 1, numPendingTests: 2, numTodoTests: 4 };
		expect(readVitest(report)).toEqual({ passed: 3, failed: 7 });
	});
	test('in Playwright', () => {
		const stats = { expected: 5, unexpected: 1, flaky: 1, skipped: 1 };
		expect(readPlaywright({ stats })).toEqual({ passed: 5, failed: 3 });
	});
	test('and what is no report is not taken for one', () => {
		expect(() => readVitest({})).toThrow();
		expect(() => readPlaywright({ stats: {} })).toThrow();
	});
});
