/** What the owner does: set up, open the overlay, test, watch, cancel, replay, pause, look back. */
import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from '@playwright/test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { told } from '../../src/lib/client/index.ts';
import { startProduct } from '../harness/server.ts';
import { awaitTurn, turnsOf, watchPixels } from './pixels.ts';
import { awaitQueue, expect, isIdle, openOverlay, owner, test, type Stage } from './product.ts';
import { cheer } from './twitch.ts';

const artefacts = 'artefacts/e2e-pictures';
mkdirSync(artefacts, { recursive: true });

async function expectAccessible(page: Page): Promise<void> {
	const { violations } = await new AxeBuilder({ page })
		.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
		.analyze();
	expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}

async function signIn(browser: Browser, stage: Stage, options = {}): Promise<Page> {
	const context = await browser.newContext({ locale: 'en-GB', ...options });
	const page = await context.newPage();
	await page.goto(`${stage.product.origin}/sign-in`);
	await page.getByLabel('E-mail').fill(owner.email);
	await page.getByLabel('Password', { exact: true }).fill(owner.password);
	await page.getByRole('button', { name: 'Sign in' }).click();
	await page.waitForURL('**/studio');
	return page;
}

test('from the setup link to an alert on the overlay page', async ({ browser }) => {
	const folder = mkdtempSync(join(tmpdir(), 'cuelight-e2e-setup-'));
	const product = await startProduct({ dataDir: join(folder, 'data') });
	try {
		const { token } = JSON.parse(readFileSync(join(folder, 'data', 'setup.json'), 'utf8')) as {
			token: string;
		};
		expect(product.output()).toContain(`/setup#${token}`);
		const page = await (await browser.newContext({ locale: 'en-GB' })).newPage();
		await page.goto(`${product.origin}/setup#${token}`);
		await expectAccessible(page);
		await page.getByLabel('E-mail').fill('first@example.com');
		await page.getByLabel('Password', { exact: true }).fill('a password nobody guesses');
		await page.getByLabel('Account name').fill('First Night');
		await page.getByRole('button', { name: 'Open the studio' }).click();
		await page.waitForURL('**/studio');
		// The address is masked: people stream their screens.
		const card = page
			.getByText('Overlay address for OBS')
			.locator('xpath=ancestor::*[.//button][1]');
		await expect(page.getByText('ck_overlay_', { exact: false })).toHaveCount(0);
		await card.getByRole('button', { name: /show/i }).first().click();
		const address = await page
			.locator('text=/overlay#ck_overlay_/')
			.or(page.locator('input'))
			.evaluateAll((nodes) =>
				nodes
					.map((node) => (node instanceof HTMLInputElement ? node.value : (node.textContent ?? '')))
					.find((text) => text.includes('#ck_overlay_'))
			);
		expect(address).toContain('#ck_overlay_');

		const overlay = await (
			await browser.newContext({ viewport: { width: 1920, height: 1080 } })
		).newPage();
		await watchPixels(overlay);
		await overlay.goto(address?.trim() ?? '');
		await overlay.waitForFunction(() => window.__cuelight?.leads === true);
		await page.getByRole('button', { name: 'Send test alert' }).click();
		expect((await awaitTurn(overlay, 1)).painted).toBe(true);
		await overlay.context().close();

		// The link was good once.
		const again = await fetch(`${product.origin}/v1/setup`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({
				token,
				email: 'x@example.com',
				password: 'p'.repeat(12),
				account: 'X'
			})
		});
		expect(again.status).toBeGreaterThanOrEqual(400);
		expect(again.status).toBeLessThan(500);
		await page.context().close();
	} finally {
		await product.stop();
		rmSync(folder, { recursive: true, force: true });
	}
});

test('an event appears at once, and the moderator cancels, replays, pauses, resumes and skips', async ({
	browser,
	stage
}) => {
	const overlay = await openOverlay(browser, stage);
	await awaitQueue(stage, (q) => q.overlays.some((o) => o.instances.some((i) => i.leads)));
	await awaitQueue(stage, isIdle, 60_000);
	const studio = await signIn(browser, stage);
	await expect(
		studio
			.getByRole('heading', { name: 'Nothing on screen' })
			.or(studio.getByText('Nothing on screen'))
	).toBeVisible();

	await cheer(stage.product.origin, 'Marguerite');
	await expect(studio.getByText('Marguerite').first()).toBeVisible();
	await awaitTurn(overlay, 1);
	await studio.getByRole('button', { name: 'Cancel Marguerite' }).first().click();
	await awaitTurn(overlay, 2);
	await awaitQueue(stage, isIdle);
	await expectAccessible(studio);

	await studio.getByRole('button', { name: 'Replay Marguerite' }).first().click();
	await awaitTurn(overlay, 3);
	await studio.screenshot({ path: `${artefacts}/studio.png` });
	await studio.getByRole('button', { name: 'Skip', exact: true }).first().click();
	await awaitTurn(overlay, 4);
	await awaitQueue(stage, isIdle);

	await studio.getByRole('button', { name: 'Pause', exact: true }).first().click();
	await awaitQueue(stage, (q) => q.overlays.some((o) => 'paused' in o && o.paused === true));
	await cheer(stage.product.origin, 'Patience');
	await awaitQueue(stage, (q) => q.overlays.some((o) => o.waiting.length === 1));
	expect(await turnsOf(overlay)).toHaveLength(4);
	await studio.getByRole('button', { name: 'Resume', exact: true }).first().click();
	expect((await awaitTurn(overlay, 5)).painted).toBe(true);
	await studio.getByRole('button', { name: 'Skip', exact: true }).first().click();
	await awaitQueue(stage, isIdle);
	await overlay.context().close();
	await studio.context().close();
});

test('history filters, pages and tells everything of an event', async ({ browser, stage }) => {
	await told(stage.client.POST('/v1/events/test', { body: { event_type: 'twitch:raid' } }));
	await cheer(stage.product.origin, 'Archivist');
	const studio = await signIn(browser, stage);
	await studio.goto(`${stage.product.origin}/studio/events`);
	await expect(studio.getByText('Archivist').first()).toBeVisible();
	await studio.getByLabel('Search text').fill('archivist');
	await expect(studio).toHaveURL(/search=archivist/i);
	await expect(studio.getByText('Archivist').first()).toBeVisible();
	await studio.getByText('Archivist').first().click();
	await expect(studio.getByText('As the platform sent it')).toBeVisible();
	await expectAccessible(studio);
	await studio.screenshot({ path: `${artefacts}/history.png` });
	await studio.goto(`${stage.product.origin}/studio/events?types=twitch:raid&page=1`);
	await expect(studio.getByText('Archivist')).toHaveCount(0);
	await studio.context().close();
});

test('a revoked address goes dark and stays dark', async ({ browser, stage }) => {
	const studio = await signIn(browser, stage);
	await studio.goto(`${stage.product.origin}/studio/overlays`);
	await expectAccessible(studio);
	await studio.screenshot({ path: `${artefacts}/overlays.png` });
	// What the page's buttons call, with the page's own session.
	const made = await studio.evaluate(async (overlayId) => {
		const answer = await fetch(`/v1/overlays/${overlayId}/keys`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ name: 'To be revoked' })
		});
		return (await answer.json()) as { key: { id: string }; url: string };
	}, stage.account.overlay_id);
	const overlay = await browser.newPage();
	await overlay.goto(made.url);
	await overlay.waitForFunction(() => window.__cuelight?.link === 'realtime');
	await studio.reload();
	const card = studio
		.getByText('To be revoked')
		.locator('xpath=ancestor::*[.//button[contains(., "Revoke")]][1]');
	await card.getByRole('button', { name: /revoke/i }).click();
	await studio
		.getByRole('dialog')
		.or(studio.getByRole('alertdialog'))
		.getByRole('button', { name: /revoke/i })
		.click();
	await overlay.waitForFunction(() => window.__cuelight?.revoked === true);
	const answer = await fetch(`${stage.product.origin}/v1/overlay/session`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ key: made.url.split('#')[1] })
	});
	expect(answer.status).toBe(401);
	await overlay.close();
	await studio.context().close();
});

test('the studio is right on a phone, in the dark and in French', async ({ browser, stage }) => {
	const studio = await signIn(browser, stage, {
		viewport: { width: 360, height: 740 },
		colorScheme: 'dark',
		hasTouch: true
	});
	for (const path of ['/studio', '/studio/events', '/studio/overlays', '/studio/connections']) {
		await studio.goto(`${stage.product.origin}${path}`);
		await studio.waitForLoadState('networkidle');
		await expectAccessible(studio);
		const overflow = await studio.evaluate(
			() => document.documentElement.scrollWidth - document.documentElement.clientWidth
		);
		expect(overflow).toBeLessThanOrEqual(0);
		await studio.screenshot({ path: `${artefacts}/phone${path.replaceAll('/', '-')}.png` });
	}
	await studio.context().close();
	const french = await (await browser.newContext({ locale: 'fr-FR' })).newPage();
	await french.goto(`${stage.product.origin}/sign-in`);
	await expect(french.locator('html')).toHaveAttribute('lang', 'fr');
	await expectAccessible(french);
	await french.context().close();
});
