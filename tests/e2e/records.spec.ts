/**
 * What is kept and told: keys made and taken back, the log of what was done, the history taken
 * along, and figures of what was sent.
 */
import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from '@playwright/test';
import { mkdirSync, readFileSync } from 'node:fs';
import { expect, owner, test, type Stage } from './product.ts';

const artefacts = 'artefacts/e2e-pictures';
mkdirSync(artefacts, { recursive: true });
test.describe.configure({ mode: 'serial' });

async function expectAccessible(page: Page): Promise<void> {
	const { violations } = await new AxeBuilder({ page })
		.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
		.analyze();
	expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}

type Session = Awaited<ReturnType<ReturnType<Page['context']>['storageState']>>;
let session: Session | undefined;
async function open(browser: Browser, stage: Stage, path: string, options = {}): Promise<Page> {
	const context = await browser.newContext({
		locale: 'en-GB',
		acceptDownloads: true,
		...(session ? { storageState: session } : {}),
		...options
	});
	const page = await context.newPage();
	if (session === undefined) {
		await page.goto(`${stage.product.origin}/sign-in`);
		await page.getByLabel('E-mail').fill(owner.email);
		await page.getByLabel('Password', { exact: true }).fill(owner.password);
		await page.getByRole('button', { name: 'Sign in' }).click();
		await page.waitForURL('**/studio');
		session = await context.storageState();
	}
	await page.goto(`${stage.product.origin}${path}`);
	return page;
}

const send = (stage: Stage, secret: string, name: string) =>
	fetch(`${stage.product.origin}/v1/events`, {
		method: 'POST',
		headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
		body: JSON.stringify({
			event_type: 'arcade:record',
			data: { name, class: 'data' },
			class: 'data'
		})
	});

test('a key is made and used, and refused once it is revoked; the log tells of it', async ({
	browser,
	stage
}) => {
	const studio = await open(browser, stage, '/studio/keys');
	await studio.getByRole('button', { name: 'New key' }).click();
	await expectAccessible(studio);
	await studio.getByLabel('What it is for').fill('Arcade');
	await studio.getByRole('checkbox', { name: 'send events', exact: true }).check();
	await studio.screenshot({ path: `${artefacts}/keys-new.png`, fullPage: true });
	await studio.getByRole('button', { name: 'Make key' }).click();
	const row = studio.getByRole('listitem').filter({ hasText: 'Arcade' });
	await row.getByRole('button', { name: /^Show/ }).click();
	const secret = (await row.getByText(/^ck_api_/).textContent()) ?? '';
	await row.getByRole('button', { name: 'I have it' }).click();
	await studio.screenshot({ path: `${artefacts}/keys.png`, fullPage: true });

	expect((await send(stage, secret, '=cmd|danger')).status).toBe(201);
	expect((await send(stage, secret, 'Second')).status).toBe(201);
	await row.getByRole('button', { name: /^Revoke/ }).click();
	await studio.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
	await expect(row).toHaveCount(0);
	expect((await send(stage, secret, 'Third')).status).toBe(401);

	await studio.goto(`${stage.product.origin}/studio/audit`);
	await expect(studio.getByText('made the key “Arcade”, for a program')).toBeVisible();
	await studio.getByLabel('What', { exact: true }).selectOption('key');
	await expect(studio.getByText('revoked a key, for a program').first()).toBeVisible();
	await expect(studio.getByText('Arcade sent an event')).toHaveCount(0);
	await expectAccessible(studio);
	await studio.screenshot({ path: `${artefacts}/audit.png`, fullPage: true });
	await studio.context().close();
});

async function downloaded(page: Page, name: string): Promise<string> {
	const [file] = await Promise.all([
		page.waitForEvent('download'),
		page.getByRole('link', { name }).click()
	]);
	return readFileSync(await file.path(), 'utf8');
}

test('the history and the log are taken along, safe to open', async ({ browser, stage }) => {
	const studio = await open(browser, stage, '/studio/events?types=arcade:record');
	await expect(studio.getByText('=cmd|danger')).toBeVisible();
	const csv = await downloaded(studio, 'Export these events as CSV');
	expect(csv.split('\r\n').filter((line) => line.includes('arcade:record'))).toHaveLength(2);
	expect(csv).not.toMatch(/(^|,)"?[=+@]/m);
	const events = JSON.parse(await downloaded(studio, 'Export these events as JSON')) as object[];
	expect(events).toHaveLength(2);

	await studio.goto(`${stage.product.origin}/studio/audit?action=key`);
	const log = await downloaded(studio, 'Export as CSV');
	expect(log).toContain('Arcade');
	await studio.goto(`${stage.product.origin}/studio/account`);
	await expectAccessible(studio);
	await studio.screenshot({ path: `${artefacts}/account.png`, fullPage: true });
	expect(JSON.parse(await downloaded(studio, 'Download'))).toMatchObject({
		format: 'cuelight-account-1'
	});
	await studio.context().close();
});

test('analytics show what was sent, by light and by dark, on a phone too', async ({
	browser,
	stage
}) => {
	const studio = await open(browser, stage, '/studio/analytics?range=24h', {
		colorScheme: 'light'
	});
	await expect(studio.getByRole('link', { name: /^arcade:record 2/ })).toBeVisible();
	await expect(studio.locator('canvas').first()).toBeVisible();
	await expectAccessible(studio);
	await studio.screenshot({ path: `${artefacts}/analytics.png`, fullPage: true });
	await studio.getByText('30 days', { exact: true }).click();
	await expect(studio).toHaveURL(/range=30d/);
	await expect(studio.getByRole('heading', { name: 'By day' })).toBeVisible();
	await studio.context().close();

	const phone = await open(browser, stage, '/studio', {
		viewport: { width: 390, height: 844 },
		colorScheme: 'dark',
		hasTouch: true,
		locale: 'fr-FR'
	});
	for (const path of ['analytics', 'keys', 'audit', 'account', 'events']) {
		await phone.goto(`${stage.product.origin}/studio/${path}`);
		await phone.waitForLoadState('networkidle');
		await expectAccessible(phone);
		const overflow = await phone.evaluate(
			() => document.documentElement.scrollWidth - document.documentElement.clientWidth
		);
		expect(overflow, path).toBeLessThanOrEqual(0);
		await phone.screenshot({ path: `${artefacts}/phone-records-${path}.png`, fullPage: true });
	}
	await phone.context().close();
});
