/** The built product, set up for one worker; each spec file of a worker shares it. */
import { test as base, type Browser, type Page } from '@playwright/test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, told, type Cuelight, type Schema } from '../../src/lib/client/index.ts';
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
	/** The typed client of the REST API, with the account's key. */
	client: Cuelight;
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
				client: createClient({ origin: product.origin, key: account.api_key })
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

/** One event with its plays. */
export const readEvent = (stage: Stage, id: string): Promise<Schema<'EventDetail'>> =>
	told(stage.client.GET('/v1/events/{id}', { params: { path: { id } } }));

/** Waits until the queue looks as asked. */
export async function awaitQueue(
	stage: Stage,
	looks: (queue: Schema<'Queue'>) => boolean,
	timeout = 20_000
): Promise<Schema<'Queue'>> {
	const end = Date.now() + timeout;
	for (;;) {
		const queue = await told(stage.client.GET('/v1/queue')).catch(() => null);
		if (queue && looks(queue)) return queue;
		if (Date.now() > end)
			throw new Error(`the queue never looked as asked: ${JSON.stringify(queue)?.slice(0, 2000)}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
export const isIdle = (queue: Schema<'Queue'>): boolean =>
	queue.overlays.every((overlay) => overlay.playing.length === 0 && overlay.waiting.length === 0);
