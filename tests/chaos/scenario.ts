/**
 * One run: the built product as real processes, producers that send signed webhooks, pages that
 * come and go, a moderator who cancels, and faults at seeded moments. When all is quiet again the
 * checker judges the history and the database.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProduct, type Product } from '../harness/server.ts';
import { check, type Report } from './checker.ts';
import { openEarlyAck } from './early-ack.ts';
import { killDatabase, openLink } from './faults.ts';
import { historyWriter, readHistory } from './history.ts';
import { sendEvent } from './producer.ts';
import { seededRandom, type Random } from './random.ts';
import { openPlays, prepareDatabase, readRows } from './rows.ts';

export const mutants = ['no-dedupe', 'early-ack'] as const;
export type Mutant = (typeof mutants)[number];

export interface ScenarioOptions {
	seed: number;
	/** How long events and faults go on; settling comes after. */
	seconds: number;
	/** Overlay pages open at once. */
	pages: number;
	/** Events a second, on average. */
	rate: number;
	mutant: Mutant | null;
	say: (line: string) => void;
}

export interface Outcome {
	report: Report;
	planned: number;
	fired: number;
	/** False when plays were still open after the longest wait. */
	quiet: boolean;
}

const SECRET = 'chaos-webhook-secret';
const CHANNEL = '424242';
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export async function runScenario(options: ScenarioOptions): Promise<Outcome> {
	const random = seededRandom(options.seed);
	const folder = mkdtempSync(join(tmpdir(), 'cuelight-chaos-'));
	const dataDir = join(folder, 'data');
	const historyFile = join(folder, 'history.jsonl');
	const write = historyWriter(historyFile);
	const closers: (() => unknown)[] = [];
	let stopped = false;

	let product: Product = await startProduct({ dataDir });
	try {
		const account = await product.setup({
			email: 'chaos@example.com',
			password: 'a long chaos password',
			account: 'Chaos',
			twitchChannel: CHANNEL,
			twitchSecret: SECRET
		});
		await prepareDatabase(dataDir, options.mutant);
		const { port, origin } = product;
		const link = await openLink(port);
		closers.push(() => link.close());
		let webhook = `${origin}/webhooks/twitch`;
		if (options.mutant === 'early-ack') {
			const early = await openEarlyAck(() => `${origin}/webhooks/twitch`);
			closers.push(early.close);
			webhook = early.url;
		}

		// Pages.
		const key = account.overlay_url.split('#')[1] ?? '';
		const pages: (ChildProcess | null)[] = [];
		const instances = new Map<ChildProcess, string>();
		let pageNo = 0;
		const openPage = (slot: number) => {
			pageNo += 1;
			const page = fork(fileURLToPath(new URL('./page.ts', import.meta.url)), {
				execArgv: ['--import', 'tsx'],
				stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
				env: {
					...process.env,
					CHAOS_ORIGIN: `http://127.0.0.1:${link.port}`,
					CHAOS_KEY: key,
					CHAOS_OVERLAY: account.overlay_id,
					CHAOS_HISTORY: historyFile,
					CHAOS_NAME: `page-${pageNo}`
				}
			});
			page.on('message', (hello: { instance: string }) => instances.set(page, hello.instance));
			pages[slot] = page;
		};
		const closePage = async (slot: number, signal: 'SIGKILL' | 'SIGTERM') => {
			const page = pages[slot];
			if (!page || page.exitCode !== null) return false;
			const gone = new Promise((resolve) => page.once('exit', resolve));
			page.kill(signal);
			await gone;
			// A page that is killed cannot write that it was.
			const instance = instances.get(page);
			const overlay = account.overlay_id;
			if (signal === 'SIGKILL' && instance !== undefined)
				write({ process: 'faults', f: 'page', type: 'killed', overlay, instance });
			return true;
		};
		for (let slot = 0; slot < options.pages; slot += 1) openPage(slot);
		closers.push(() => {
			for (const page of pages) page?.kill('SIGKILL');
		});

		// Producers and the moderator.
		const end = Date.now() + options.seconds * 1000;
		const working: Promise<unknown>[] = [];
		const produce = async (name: string, own: Random) => {
			for (let n = 0; Date.now() < end; n += 1) {
				const burst = own.chance(0.1) ? own.between(3, 8) : 1;
				for (let i = 0; i < burst; i += 1, n += 1) {
					const number = n;
					working.push(
						sendEvent(
							{
								name,
								url: () => webhook,
								secret: SECRET,
								channel_id: CHANNEL,
								random: own,
								write,
								stopped: () => stopped
							},
							number
						).then((acknowledged) =>
							acknowledged && own.chance(0.12)
								? cancel(
										origin,
										account.api_key,
										`chaos-${name}-${number}`,
										own,
										write,
										() => stopped
									)
								: undefined
						)
					);
				}
				await wait((own.next() * 2 * 1000 * burst * 2) / options.rate);
			}
		};
		working.push(
			produce('producer-a', seededRandom(options.seed + 1)),
			produce('producer-b', seededRandom(options.seed + 2))
		);

		// Faults.
		const kinds = [
			'kill-server',
			'kill-database',
			'kill-page',
			'cut-network',
			'close-page'
		] as const;
		let planned = 0;
		let fired = 0;
		while (Date.now() < end) {
			await wait(random.between(1500, 4500));
			if (Date.now() >= end) break;
			const kind =
				options.mutant === 'early-ack' ? 'kill-server' : (kinds[planned] ?? random.pick(kinds));
			planned += 1;
			options.say(`fault: ${kind}`);
			write({ process: 'faults', f: 'fault', kind });
			if (kind === 'kill-server') {
				await product.kill();
				fired += 1;
				await wait(random.between(0, 800));
				product = await startProduct({ dataDir, port });
			} else if (kind === 'kill-database') {
				if (killDatabase(dataDir)) fired += 1;
			} else if (kind === 'cut-network') {
				link.cut();
				fired += 1;
				await wait(random.between(200, 3000));
				link.restore();
			} else {
				const slot = random.between(0, options.pages - 1);
				if (await closePage(slot, kind === 'kill-page' ? 'SIGKILL' : 'SIGTERM')) fired += 1;
				await wait(random.between(0, 1500));
				openPage(slot);
			}
		}

		// Quiet: everything sent is answered, every play has ended.
		const settled = Promise.all(working);
		const patience = Date.now() + 90_000;
		await Promise.race([settled, wait(30_000)]);
		stopped = true;
		await settled;
		let open = Infinity;
		while (open > 0 && Date.now() < patience) {
			await wait(500);
			open = await openPlays(dataDir).catch(() => Infinity);
		}
		await wait(1000);
		const rows = await readRows(dataDir);
		const report = check(readHistory(historyFile), rows);
		if (report.findings.length > 0 && options.mutant === null) {
			const kept = join('artefacts', `chaos-${options.seed}-${Date.now()}`);
			mkdirSync(kept, { recursive: true });
			copyFileSync(historyFile, join(kept, 'history.jsonl'));
			writeFileSync(join(kept, 'rows.json'), JSON.stringify(rows, null, '\t'));
			options.say(`history and rows are in ${kept}`);
		}
		return { report, planned, fired, quiet: open === 0 };
	} finally {
		stopped = true;
		for (const close of closers.reverse()) close();
		await product.stop();
		rmSync(folder, { recursive: true, force: true });
	}
}

/** A moderator finds the event by its marker and cancels it, again until there is an answer. */
async function cancel(
	origin: string,
	apiKey: string,
	marker: string,
	random: Random,
	write: ReturnType<typeof historyWriter>,
	stopped: () => boolean
): Promise<void> {
	const headers = { authorization: `Bearer ${apiKey}` };
	const call = async (path: string, method: string) => {
		const signal = AbortSignal.timeout(5000);
		const response = await fetch(`${origin}${path}`, { method, headers, signal });
		return { status: response.status, body: (await response.json()) as unknown };
	};
	await wait(random.between(0, 1500));
	for (; !stopped(); await wait(200)) {
		let event_id = '';
		try {
			const found = await call(`/v1/events?search=${marker}&limit=5`, 'GET');
			const { items } = found.body as {
				items?: { id: string; data: { user?: { name?: string } } }[];
			};
			event_id = items?.find((item) => item.data.user?.name === marker)?.id ?? '';
			if (event_id === '') continue;
			write({ process: 'moderator', f: 'cancel', type: 'invoke', marker, event_id });
			const { status } = await call(`/v1/events/${event_id}/cancel`, 'PUT');
			const type = status < 300 ? 'ok' : status < 500 ? 'fail' : 'info';
			write({ process: 'moderator', f: 'cancel', type, marker, event_id, status });
			if (type !== 'info') return;
		} catch {
			if (event_id !== '')
				write({ process: 'moderator', f: 'cancel', type: 'info', marker, event_id });
		}
	}
}
