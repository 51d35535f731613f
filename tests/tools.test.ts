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

describe('a skipped test counts as failed, a flaky one is named', () => {
	test('in vitest', () => {
		const counts = { passed: 3, failed: 7, flaky: ['a'] };
		expect(readVitest(counts)).toEqual(counts);
	});
	test('in Playwright', () => {
		const spec = (title: string, status: string) => ({ title, tests: [{ status }] });
		const inner = { specs: [spec('a', 'expected'), spec('b', 'flaky')] };
		const specs = [spec('c', 'unexpected'), spec('d', 'skipped')];
		expect(readPlaywright({ suites: [{ specs, suites: [inner] }], errors: [{}] })).toEqual({
			passed: 2,
			failed: 3,
			flaky: ['b']
		});
	});
	test('and what is no report is not taken for one', () => {
		expect(() => readVitest({})).toThrow();
		expect(() => readPlaywright({ suites: {} })).toThrow();
	});
});
