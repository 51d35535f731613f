/** The built product beside a simulated Twitch, set up and signed in: what connecting is tried with. */
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/lib/client/index.ts';
import { startProduct } from '../harness/server.ts';
import { startTwitch } from '../simulators/twitch/index.ts';
import { owner } from './product.ts';

/** The variables that point to the simulated Twitch, without the application: that is typed in. */
const withoutClient = (env: Readonly<Record<string, string>>) =>
	Object.fromEntries(Object.entries(env).filter(([name]) => !name.includes('_CLIENT_')));

type Session = Awaited<ReturnType<BrowserContext['storageState']>>;

/** Once for all pages of a test: it takes its time. */
async function signIn(browser: Browser, origin: string): Promise<Session> {
	const context = await browser.newContext({ locale: 'en-GB' });
	const page = await context.newPage();
	await page.goto(`${origin}/sign-in`);
	await page.waitForLoadState('networkidle');
	await page.getByLabel('E-mail').fill(owner.email);
	await page.getByLabel('Password', { exact: true }).fill(owner.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.waitForURL('**/studio');
	const session = await context.storageState();
	await context.close();
	return session;
}

export type Channel = Awaited<ReturnType<typeof openChannel>>;

export async function openChannel() {
	const twitch = await startTwitch();
	const folder = mkdtempSync(join(tmpdir(), 'cuelight-e2e-connect-'));
	const product = await startProduct({
		dataDir: join(folder, 'data'),
		env: withoutClient(twitch.env)
	});
	const account = await product.setup({ ...owner, account: 'The Old Vic' });
	let session: Session | undefined;
	return {
		twitch,
		product,
		account,
		client: createClient({ origin: product.origin, key: account.api_key }),
		/** Opens a page of the studio, signed in. */
		async open(browser: Browser, path: string, options = {}): Promise<Page> {
			session ??= await signIn(browser, product.origin);
			const context = await browser.newContext({
				locale: 'en-GB',
				storageState: session,
				...options
			});
			const page = await context.newPage();
			await page.goto(`${product.origin}${path}`);
			return page;
		},
		async close() {
			await product.stop();
			await twitch.stop();
			rmSync(folder, { recursive: true, force: true });
		}
	};
}
