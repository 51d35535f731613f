/** The built product, set up for one worker; each spec file of a worker shares it. */
import { test as base, type Browser, type Page } from '@playwright/test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProduct, type Product } from '../harness/server.ts';
import { watchPixels } from './pixels.ts';

export const owner = { email: 'owner@example.com', password: 'curtain up at eight' };
export const twitch = { secret: 'e2e-webhook-secret', channel: '314159' };

export interface Stage {
	product: Product;
	dataDir: string;
	account: Awaited<ReturnType<Product['setup']>>;
	/** Kills the server with SIGKILL and starts it again on the same port and data. */
	restart(): Promise<void>;
	/** Calls the REST API with the account's key; fails on anything but 2xx. */
	api<T>(method: string, path: string, body?: unknown): Promise<T>;
}

export const test = base.extend<object, { stage: Stage }>({
	stage: [
		// eslint-disable-next-line no-empty-pattern -- Playwright asks for a destructured first argument
		async ({}, use) => {
			const folder = mkdtempSync(join(tmpdir(), 'cuelight-e2e-'));
			const dataDir = join(folder, 'data');
			let product = await startProduct({ dataDir });
			const { port } = product;
			const account = await product.setup({
				...owner,
				account: 'The Old Vic',
				twitchChannel: twitch.channel,
				twitchSecret: twitch.secret
			});
			await use({
				get product() {
					return product;
				},
				dataDir,
				account,
				restart: async () => {
					await product.kill();
					product = await startProduct({ dataDir, port });
				},
				api: async <T>(method: string, path: string, body?: unknown) => {
					const response = await fetch(`${product.origin}${path}`, {
						method,
						headers: {
							authorization: `Bearer ${account.api_key}`,
							...(body === undefined ? {} : { 'content-type': 'application/json' })
						},
						...(body === undefined ? {} : { body: JSON.stringify(body) })
					});
					const text = await response.text();
					if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
					return JSON.parse(text) as T;
				}
			});
			await product.stop();
			rmSync(folder, { recursive: true, force: true });
		},
		{ scope: 'worker', timeout: 120_000 }
	]
});
export { expect } from '@playwright/test';

/** Opens the overlay as OBS would: its own context, 1920×1080, transparent, with the pixel probe. */
export async function openOverlay(browser: Browser, stage: Stage): Promise<Page> {
	const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
	const page = await context.newPage();
	await watchPixels(page);
	await page.goto(stage.account.overlay_url);
	await page.waitForFunction(() => document.querySelector('canvas') !== null);
	return page;
}

/** The queue as the API tells it. */
export interface QueueAnswer {
	paused: boolean;
	overlays: {
		overlay_id: string;
		leader_id: string | null;
		instances: { id: string; leads: boolean }[];
		playing: PlayAnswer[];
		waiting: PlayAnswer[];
		recent: PlayAnswer[];
	}[];
}
export interface PlayAnswer {
	id: string;
	event_id: string;
	status: string;
	attempt: number;
	play_no: number;
	event: { data: { user?: { name?: string } } };
}

/** Waits until the queue looks as asked. */
export async function awaitQueue(
	stage: Stage,
	looks: (queue: QueueAnswer) => boolean,
	timeout = 20_000
): Promise<QueueAnswer> {
	const end = Date.now() + timeout;
	for (;;) {
		const queue = await stage.api<QueueAnswer>('GET', '/v1/queue').catch(() => null);
		if (queue && looks(queue)) return queue;
		if (Date.now() > end)
			throw new Error(`the queue never looked as asked: ${JSON.stringify(queue)?.slice(0, 2000)}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
export const isIdle = (queue: QueueAnswer): boolean =>
	queue.overlays.every((overlay) => overlay.playing.length === 0 && overlay.waiting.length === 0);
