/** The API's documentation as a person reads it: search, by keyboard, on a phone, in both lights. */
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { expect, test } from './product.ts';

const artefacts = 'artefacts/e2e-pictures';
mkdirSync(artefacts, { recursive: true });

/** Everything that the page loads from elsewhere, and everything that its policy forbids. */
function watch(page: Page, origin: string): string[] {
	const found: string[] = [];
	page.on('request', (request) => {
		if (!request.url().startsWith(origin)) found.push(request.url());
	});
	page.on('console', (message) => {
		if (message.type() === 'error') found.push(message.text());
	});
	return found;
}

async function expectAccessible(page: Page): Promise<void> {
	const { violations } = await new AxeBuilder({ page }).analyze();
	expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}

test('the documentation is searched, opened and read, with nothing from elsewhere', async ({
	browser,
	stage
}) => {
	for (const colorScheme of ['dark', 'light'] as const) {
		const context = await browser.newContext({ colorScheme });
		const page = await context.newPage();
		const found = watch(page, stage.product.origin);
		await page.goto(`${stage.product.origin}/docs`);
		await expect(page.getByRole('heading', { name: 'The API' })).toBeVisible();
		await expect(async () => {
			await page.getByLabel('Search addresses').fill('scheduled_at emit');
			await expect(page.getByText('1 address', { exact: true })).toBeVisible({ timeout: 1_000 });
		}).toPass();
		const emit = page.locator('[id="events.emit"]');
		await emit.locator('summary').press('Enter');
		await expect(emit.getByText('Needs the permission events:create.')).toBeVisible();
		await expect(emit.getByRole('rowheader', { name: /event_type/ })).toBeVisible();
		await expect(emit.getByText(/curl -X POST/)).toBeVisible();
		await expectAccessible(page);
		await page.screenshot({ path: `${artefacts}/docs-${colorScheme}.png` });
		// A type leads to its shape, which opens by itself.
		await emit.getByRole('link', { name: 'Emitted' }).click();
		await expect(page.locator('#schema-Emitted').getByText('event_id')).toBeVisible();
		expect(found).toEqual([]);
		await context.close();
	}
});

test('the documentation fits a phone, and an address of it opens its part', async ({
	browser,
	stage
}) => {
	const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
	const page = await context.newPage();
	await page.goto(`${stage.product.origin}/docs#events.list`);
	await expect(page.locator('[id="events.list"]').getByText('curl', { exact: true })).toBeVisible();
	const overflow = await page.evaluate(
		() => document.documentElement.scrollWidth - document.documentElement.clientWidth
	);
	expect(overflow).toBe(0);
	await expectAccessible(page);
	await page.screenshot({ path: `${artefacts}/docs-phone.png` });
	await context.close();
});
