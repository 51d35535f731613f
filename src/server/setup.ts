/**
 * `npm run -s setup -- --email E --password P --account NAME [--<platform>-channel ID --<platform>-secret S] [--json]`
 *
 * Sets up a running server without a browser: takes the one-time token from its data folder
 * (CUELIGHT_DATA, else .cuelight) and asks the server as the setup page would. With --json it
 * prints exactly one JSON object on stdout; errors go to stderr.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { platforms } from '../lib/platforms/catalog.ts';

const SetupFile = z.object({ origin: z.url(), token: z.string() });
const Answer = z.object({
	account_id: z.string(),
	overlay_id: z.string(),
	overlay_url: z.string(),
	api_key: z.string(),
	webhook_url: z.string()
});
const Problem = z.object({
	detail: z.string(),
	issues: z.array(z.object({ path: z.string(), message: z.string() })).default([])
});

/** The platforms that a channel can be connected on with a secret alone: each has two options. */
const connectable = platforms
	.filter(({ webhook }) => webhook !== undefined)
	.map(({ name }) => name);

const USAGE = [
	'npm run -s setup -- --email you@example.com --password "at least 8 characters" --account "Your channel"',
	...connectable.map((name) => `[--${name}-channel ID --${name}-secret SECRET]`),
	'[--json]'
].join(' ');

function fail(message: string): never {
	console.error(message);
	process.exit(1);
}

function readArguments() {
	try {
		const { values } = parseArgs({
			options: {
				...Object.fromEntries(
					connectable.flatMap((name) => [
						[`${name}-channel`, { type: 'string' as const }],
						[`${name}-secret`, { type: 'string' as const }]
					])
				),
				email: { type: 'string' },
				password: { type: 'string' },
				account: { type: 'string' },
				json: { type: 'boolean', default: false }
			}
		});
		const missing = (['email', 'password', 'account'] as const).filter((name) => !values[name]);
		if (missing.length > 0) fail(`Missing: --${missing.join(', --')}\nUsage: ${USAGE}`);
		return values;
	} catch (error) {
		return fail(`${error instanceof Error ? error.message : error}\nUsage: ${USAGE}`);
	}
}

/** The channel to connect, of the first platform that was named. */
function connectionIn(values: Record<string, unknown>) {
	for (const platform of connectable) {
		const channel_id = values[`${platform}-channel`];
		const secret = values[`${platform}-secret`];
		if (channel_id === undefined && secret === undefined) continue;
		if (!channel_id || !secret)
			fail(`--${platform}-channel and --${platform}-secret go together\nUsage: ${USAGE}`);
		return { platform, channel_id, secret };
	}
	return undefined;
}

/** The address that a server of this environment would have. */
const expectedOrigin = () => process.env.ORIGIN || `http://127.0.0.1:${process.env.PORT || '4517'}`;

const answers = (origin: string) =>
	fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(3_000) }).then(
		(response) => response.ok,
		() => false
	);

async function readSetupFile(): Promise<z.infer<typeof SetupFile>> {
	const dataDir = resolve(process.env.CUELIGHT_DATA || '.cuelight');
	const file = join(dataDir, 'setup.json');
	const text = await readFile(file, 'utf8').catch(() => null);
	if (text === null) {
		if (await answers(expectedOrigin()))
			fail(
				`Nothing waits to be set up in ${dataDir}: this Cuelight has an owner already. Sign in at ${expectedOrigin()}/sign-in, or name another data folder with CUELIGHT_DATA.`
			);
		fail(
			`No server is running with the data folder ${dataDir}. Start it with "npm start" in another terminal, or name its folder with CUELIGHT_DATA.`
		);
	}
	try {
		return SetupFile.parse(JSON.parse(text));
	} catch {
		return fail(`${file} cannot be read. Restart the server: it writes the file again.`);
	}
}

const options = readArguments();
const { origin, token } = await readSetupFile();
const body = {
	token,
	email: options.email,
	password: options.password,
	account: options.account,
	connection: connectionIn(options)
};
const response = await fetch(`${origin}/v1/setup`, {
	method: 'POST',
	headers: { 'content-type': 'application/json' },
	body: JSON.stringify(body),
	signal: AbortSignal.timeout(30_000)
}).catch(() =>
	fail(`The server at ${origin} does not answer. Start it with "npm start" and try again.`)
);
const answer: unknown = await response.json().catch(() => null);
if (!response.ok) {
	const problem = Problem.safeParse(answer);
	if (!problem.success) fail(`The server answered ${response.status}.`);
	const { detail, issues } = problem.data;
	fail([detail, ...issues.map(({ path, message }) => `  ${path}: ${message}`)].join('\n'));
}
const made = Answer.parse(answer);
if (options.json) console.log(JSON.stringify(made));
else
	console.log(
		[
			`Cuelight is set up. Sign in at ${origin}/sign-in`,
			`Browser source for OBS:  ${made.overlay_url}`,
			`Webhook address:         ${made.webhook_url}`,
			`API key:                 ${made.api_key}`,
			'The address and the key are shown only this once.'
		].join('\n')
	);
