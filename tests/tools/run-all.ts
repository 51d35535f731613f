/**
 * `npm test`: everything that must hold, in one order, on a fresh machine. Stops at the first part
 * that fails; ends with a line for each part and the number of tests that passed and failed.
 * Parts that only read the sources run two at a time, and show what they say when they have ended.
 *
 * A test of sockets, databases and browsers that fails is tried once more, because a machine that
 * stalls must not hide what a change broke; the ones that needed it are named at the end.
 *
 *   tsx tests/tools/run-all.ts [part …]     only these parts, in the same order
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideChromium } from './chromium.ts';
import { readPlaywright, readVitest, type Counts } from './counts.ts';

interface Part {
	readonly name: string;
	readonly command: string;
	/** A part that takes longer hangs. */
	readonly minutes: number;
	/** How to count its tests; a part without is one check, which is not counted among the tests. */
	readonly read?: (report: unknown) => Counts;
	/** A part that is itself one test. */
	readonly isTest?: boolean;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const reports = mkdtempSync(join(tmpdir(), 'cuelight-reports-'));
const report = (name: string) => join(reports, `${name}.json`);

const vitest = (project: string): Part => ({
	name: project,
	command: `vitest run --project ${project} --reporter=default --reporter=./tests/tools/counts-reporter.ts`,
	minutes: 8,
	read: readVitest
});

/** What runs together stands together. */
const stages: readonly (readonly Part[])[] = [
	[{ name: 'sync', command: 'svelte-kit sync', minutes: 2 }],
	[
		{
			name: 'types',
			command: 'svelte-check --tsconfig ./tsconfig.json --output human',
			minutes: 6
		},
		{ name: 'lint', command: 'eslint .', minutes: 6 },
		{ name: 'format', command: 'prettier --check --log-level warn .', minutes: 4 },
		{ name: 'generated', command: 'tsx tests/tools/generate.ts --check', minutes: 4 },
		vitest('unit')
	],
	[{ name: 'build', command: 'vite build --logLevel warn', minutes: 6 }],
	[vitest('db')],
	[vitest('browser')],
	[
		{
			name: 'e2e',
			command: 'playwright test -c tests/e2e/playwright.config.ts --reporter=list,json',
			minutes: 8,
			read: readPlaywright
		}
	],
	[{ name: 'chaos', command: 'tsx tests/chaos/run.ts --short', minutes: 6, isTest: true }]
];
const parts = stages.flat();
/** How many parts of a stage run at the same time. */
const AT_ONCE = 2;

interface Result {
	readonly name: string;
	readonly outcome: 'ok' | 'failed' | 'not run';
	readonly seconds: number;
	readonly counts: Counts | null;
}

/** Runs one command; false when it failed or took too long. Its output goes to ours, or to `say`. */
function execute(
	{ command, minutes, name }: Part,
	say: ((text: string) => void) | null
): Promise<boolean> {
	const [program = '', ...args] = command.split(' ');
	const isWindows = process.platform === 'win32';
	const child = spawn(program, args, {
		cwd: root,
		stdio: ['ignore', say === null ? 'inherit' : 'pipe', say === null ? 'inherit' : 'pipe'],
		shell: isWindows,
		// A group of its own, so that browsers and servers that it started end with it.
		detached: !isWindows,
		env: {
			...process.env,
			PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`,
			PLAYWRIGHT_JSON_OUTPUT_FILE: report(name),
			CUELIGHT_COUNTS: report(name),
			// npm's own settings would otherwise be printed as warnings by every npx below.
			npm_config_loglevel: 'error'
		}
	});
	for (const stream of [child.stdout, child.stderr])
		stream?.setEncoding('utf8').on('data', (text: string) => say?.(text));
	const end = (signal: NodeJS.Signals) => {
		if (child.pid === undefined) return;
		try {
			process.kill(isWindows ? child.pid : -child.pid, signal);
		} catch {
			// It has ended by itself.
		}
	};
	const interrupted = () => end('SIGTERM');
	process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
	const tooLong = setTimeout(() => {
		console.error(`\n${name} did not end within ${minutes} minutes.`);
		end('SIGKILL');
	}, minutes * 60_000);
	return new Promise((resolve) => {
		const done = (succeeded: boolean) => {
			clearTimeout(tooLong);
			process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
			resolve(succeeded);
		};
		child.once('error', (error) => {
			console.error(`${program}: ${error.message}`);
			done(false);
		});
		// Not `exit`: what it said last may still be on its way.
		child.once('close', (code) => done(code === 0));
	});
}

/** What the part's runner counted; a runner that wrote no report has failed once. */
function countsOf({ name, read, isTest }: Part, succeeded: boolean): Counts | null {
	if (isTest) return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, flaky: [] };
	if (read === undefined) return null;
	try {
		return read(JSON.parse(readFileSync(report(name), 'utf8')));
	} catch {
		return { passed: 0, failed: 1, flaky: [] };
	}
}

async function runPart(part: Part, isAlone: boolean): Promise<Result> {
	const title = `\n=== ${part.name}: ${part.command}`;
	let said = '';
	if (isAlone) console.log(title);
	const start = performance.now();
	const exited = await execute(part, isAlone ? null : (text) => (said += text));
	const counts = countsOf(part, exited);
	const seconds = (performance.now() - start) / 1_000;
	const succeeded = exited && (counts === null || (counts.failed === 0 && counts.passed > 0));
	if (!isAlone) console.log(`${title}\n${said.trimEnd()}`);
	console.log(`=== ${part.name}: ${succeeded ? 'ok' : 'FAILED'} after ${seconds.toFixed(1)} s`);
	return { name: part.name, outcome: succeeded ? 'ok' : 'failed', seconds, counts };
}

const notRun = ({ name }: Part): Result => ({ name, outcome: 'not run', seconds: 0, counts: null });

/** Runs the parts of a stage, `AT_ONCE` at a time; none begins after one has failed. */
async function runStage(stage: readonly Part[]): Promise<Result[]> {
	const results = stage.map(notRun);
	const waiting = [...stage.entries()];
	const work = async () => {
		for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
			if (results.some(({ outcome }) => outcome === 'failed')) return;
			const [place, part] = next;
			results[place] = await runPart(part, stage.length === 1);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
	return results;
}

function summarise(results: readonly Result[], began: number): boolean {
	console.log('\n=== summary');
	for (const { name, outcome, seconds, counts } of results) {
		const time = outcome === 'not run' ? '' : `${seconds.toFixed(1)} s`;
		const tests = counts === null ? '' : `${counts.passed} passed, ${counts.failed} failed`;
		console.log(`${name.padEnd(10)} ${outcome.padEnd(7)} ${time.padStart(8)}  ${tests}`.trimEnd());
	}
	const sum = (of: (result: Result) => number) =>
		results.reduce((total, one) => total + of(one), 0);
	const passed = sum(({ counts }) => counts?.passed ?? 0);
	// A part that failed without a test that did is a failure too.
	const failed = sum(({ outcome, counts }) =>
		outcome === 'failed' ? Math.max(1, counts?.failed ?? 1) : 0
	);
	const flaky = results.flatMap(({ counts }) => counts?.flaky ?? []);
	for (const name of flaky) console.log(`failed at first: ${name}`);
	console.log(`total      ${((performance.now() - began) / 1_000).toFixed(0)} s`);
	console.log(`${passed} passed, ${failed} failed, ${flaky.length} only at the second try`);
	return failed === 0 && results.every(({ outcome }) => outcome === 'ok');
}

async function main(): Promise<void> {
	const wanted = process.argv.slice(2);
	const unknown = wanted.filter((name) => !parts.some((part) => part.name === name));
	if (unknown.length > 0)
		throw new Error(
			`There is no part ${unknown.join(', ')}; there are ${parts.map(({ name }) => name).join(', ')}.`
		);
	const chosen = parts.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
	if (chosen.some(({ name }) => ['browser', 'e2e', 'chaos'].includes(name))) {
		const { path, how } = provideChromium();
		console.log(`Chromium: ${path} (${how})`);
		process.env.CHROMIUM_PATH = path;
	}
	const began = performance.now();
	const results: Result[] = [];
	for (const stage of stages) {
		const wantedOfStage = stage.filter((part) => chosen.includes(part));
		const stopped = results.some(({ outcome }) => outcome === 'failed');
		results.push(...(stopped ? wantedOfStage.map(notRun) : await runStage(wantedOfStage)));
	}
	if (!summarise(results, began)) process.exitCode = 1;
}

try {
	await main();
} catch (error) {
	console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
} finally {
	rmSync(reports, { recursive: true, force: true });
}
