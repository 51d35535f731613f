/**
 * The built product as a child process with its own data folder: what a person starts, minus the
 * terminal. Builds first when the build is missing or older than the source.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { ensureBuilt, root, serverFile } from '../../src/server/build.ts';
import { freePort } from './ports.ts';

const LONGEST_START_MS = 90_000;
const LONGEST_STOP_MS = 15_000;

const SetupAnswer = z.object({
	account_id: z.uuid(),
	overlay_id: z.uuid(),
	overlay_url: z.string(),
	api_key: z.string(),
	webhook_url: z.string()
});
export type SetupAnswer = z.infer<typeof SetupAnswer>;

export interface ProductOptions {
	dataDir: string;
	env?: Record<string, string | undefined>;
	/** Any free one unless given. */
	port?: number;
}

export interface SetupOptions {
	email: string;
	password: string;
	account: string;
	twitchChannel?: string;
	twitchSecret?: string;
}

export interface Product {
	readonly origin: string;
	readonly port: number;
	readonly pid: number;
	/** Sets up by the one-time token of the data folder. */
	setup(options: SetupOptions): Promise<SetupAnswer>;
	/** SIGKILL; resolves when the process is gone. */
	kill(): Promise<void>;
	/** SIGTERM; resolves with the exit code. Nothing happens when it is gone already. */
	stop(): Promise<number | null>;
	/** What it has written so far, stdout and stderr. */
	output(): string;
}

let built: Promise<void> | undefined;

/** Starts the product; resolves when it is ready. Throws with its output when it is not. */
export async function startProduct({ dataDir, env = {}, port }: ProductOptions): Promise<Product> {
	// Once for each test process: a build would take the files of its running products away.
	await (built ??= ensureBuilt((line) => console.log(line)));
	const chosen = port ?? (await freePort());
	const origin = `http://127.0.0.1:${chosen}`;
	const child = spawn(process.execPath, ['--enable-source-maps', serverFile], {
		cwd: root,
		env: {
			...process.env,
			NODE_ENV: 'production',
			VITEST: undefined,
			HOST: '127.0.0.1',
			PORT: String(chosen),
			CUELIGHT_DATA: dataDir,
			CUELIGHT_LOG: 'warn',
			...env
		},
		stdio: ['ignore', 'pipe', 'pipe']
	});
	let output = '';
	for (const stream of [child.stdout, child.stderr])
		stream.on('data', (data: Buffer) => (output = (output + data).slice(-200_000)));
	const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));

	await awaitReady(child, origin, () => output);
	return {
		origin,
		port: chosen,
		pid: child.pid ?? 0,
		output: () => output,
		setup: (options) => setUp(origin, dataDir, options),
		async kill() {
			child.kill('SIGKILL');
			await gone;
		},
		async stop() {
			if (child.exitCode === null) child.kill('SIGTERM');
			const late = setTimeout(() => child.kill('SIGKILL'), LONGEST_STOP_MS);
			const code = await gone;
			clearTimeout(late);
			return code;
		}
	};
}

async function awaitReady(child: ChildProcess, origin: string, output: () => string) {
	const deadline = Date.now() + LONGEST_START_MS;
	for (;;) {
		if (child.exitCode !== null || child.signalCode !== null)
			throw new Error(`The product ended while starting:\n${output()}`);
		if (Date.now() > deadline) {
			child.kill('SIGKILL');
			throw new Error(`The product was not ready in ${LONGEST_START_MS} ms:\n${output()}`);
		}
		const ready = await fetch(`${origin}/readyz`).then(
			({ ok }) => ok,
			() => false
		);
		if (ready) return;
		await pause(50);
	}
}

async function setUp(origin: string, dataDir: string, options: SetupOptions): Promise<SetupAnswer> {
	const file = z
		.object({ token: z.string() })
		.parse(JSON.parse(readFileSync(join(dataDir, 'setup.json'), 'utf8')));
	const response = await fetch(`${origin}/v1/setup`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({
			token: file.token,
			email: options.email,
			password: options.password,
			account: options.account,
			connection: options.twitchChannel && {
				platform: 'twitch',
				channel_id: options.twitchChannel,
				secret: options.twitchSecret
			}
		})
	});
	if (!response.ok) throw new Error(`setup: ${response.status} ${await response.text()}`);
	return SetupAnswer.parse(await response.json());
}
