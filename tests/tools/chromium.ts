/**
 * Finds a Chromium for the tests, and gets one where there is none. In this order:
 *
 * 1. the one that CHROMIUM_PATH names,
 * 2. the system's Chromium or Chrome,
 * 3. the one that Playwright has downloaded before,
 * 4. as root on Debian or Ubuntu: `apt-get install chromium`,
 * 5. otherwise Playwright's download.
 *
 * Whatever it does it says in plain words. `tsx tests/tools/chromium.ts` does only this.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { chromium as playwright } from 'playwright';

/** Where systems put it. */
export const systemPaths = [
	'/usr/bin/chromium',
	'/usr/bin/chromium-browser',
	'/usr/bin/google-chrome',
	'/usr/bin/google-chrome-stable',
	'/snap/bin/chromium',
	'/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
	'/Applications/Chromium.app/Contents/MacOS/Chromium',
	'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
	'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe'
];

const help = [
	'No Chromium was found, and none could be installed. Any one of these gives the tests a browser:',
	'  CHROMIUM_PATH=/path/to/chromium npm test',
	'  apt-get install chromium      (Debian and Ubuntu, as root; npm test does it by itself there)',
	'  npx playwright install --with-deps chromium'
].join('\n');

export interface Found {
	readonly path: string;
	/** Which of the ways above, in words. */
	readonly how: string;
}

/** What a search looks at; replaced by tests. */
export interface Machine {
	readonly chromiumPath: string | undefined;
	readonly playwrightPath: string | null;
	exists(path: string): boolean;
}

/** A browser that is already there, or null. Throws when CHROMIUM_PATH names nothing. */
export function find({ chromiumPath, playwrightPath, exists }: Machine): Found | null {
	if (chromiumPath) {
		if (exists(chromiumPath)) return { path: chromiumPath, how: 'named by CHROMIUM_PATH' };
		throw new Error(`CHROMIUM_PATH is ${chromiumPath}, but there is no such file.`);
	}
	const system = systemPaths.find(exists);
	if (system !== undefined) return { path: system, how: "the system's" };
	if (playwrightPath !== null && exists(playwrightPath))
		return { path: playwrightPath, how: "Playwright's own" };
	return null;
}

function thisMachine(): Machine {
	let playwrightPath: string | null = null;
	try {
		playwrightPath = playwright.executablePath();
	} catch {
		// Playwright has none for this platform.
	}
	return { chromiumPath: process.env.CHROMIUM_PATH, playwrightPath, exists: existsSync };
}

function run(command: string, args: readonly string[]): boolean {
	console.log(`$ ${command} ${args.join(' ')}`);
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
	return spawnSync(command, args, { stdio: 'inherit', env }).status === 0;
}

/** Finds a browser or installs one. Throws with the ways out when neither is possible. */
export function provideChromium(): Found {
	const found = find(thisMachine());
	if (found !== null) return found;
	if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
		console.log('No Chromium found. As root on Debian I install one with apt-get.');
		if (run('apt-get', ['update']) && run('apt-get', ['install', '-y', 'chromium'])) {
			const installed = find(thisMachine());
			if (installed !== null) return { ...installed, how: 'installed with apt-get just now' };
		}
	}
	console.log("No Chromium found. I download Playwright's own.");
	if (run(process.execPath, ['node_modules/playwright/cli.js', 'install', 'chromium'])) {
		const installed = find(thisMachine());
		if (installed !== null) return { ...installed, how: 'downloaded by Playwright just now' };
	}
	throw new Error(help);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
	try {
		const { path, how } = provideChromium();
		console.log(`Chromium: ${path} (${how})`);
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
		process.exitCode = 1;
	}
}
