/**
 * A channel is connected, and nothing that happens on it is missed: by code and by redirect, its
 * events on the overlay, the line cut, the lists asked instead, and the line back.
 */
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { openChannel, type Channel } from './channel.ts';
import { awaitTurn, watchPixels } from './pixels.ts';

const artefacts = 'artefacts/e2e-pictures';
mkdirSync(artefacts, { recursive: true });
test.describe.configure({ mode: 'serial' });

let channel: Channel;
test.beforeAll(async () => {
	test.setTimeout(180_000);
	channel = await openChannel();
});
test.afterAll(() => channel?.close());

async function expectAccessible(page: Page): Promise<void> {
	const { violations } = await new AxeBuilder({ page })
		.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
		.analyze();
	expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}
const named = (id: string, name: string) => ({
	user_id: id,
	user_login: name.toLowerCase(),
	user_name: name
});
const isLive = (page: Page) =>
	expect(page.getByText('Events arrive the moment they happen.')).toBeVisible();

test('an application is entered, and a channel connected by a code', async ({ browser }) => {
	const { twitch } = channel;
	twitch.oauth.device.interval = 1;
	const studio = await channel.open(browser, '/studio/connections');
	await expect(studio.getByText('/connect/twitch/callback')).toBeVisible();
	await expectAccessible(studio);
	await studio.getByLabel('Client ID').fill(twitch.client.id);
	await studio.getByLabel('Client secret').fill(twitch.client.secret);
	await studio.getByRole('button', { name: 'Save application' }).click();

	await studio.getByRole('button', { name: 'Connect with a code' }).click();
	const [activate] = await Promise.all([
		studio.waitForEvent('popup'),
		studio.getByRole('link', { name: 'Open Twitch' }).click()
	]);
	await expectAccessible(studio);
	await activate.getByRole('combobox').selectOption({ label: 'Ember' });
	await activate.getByRole('button', { name: 'Allow' }).click();
	await expect(studio.getByRole('heading', { name: 'Ember' })).toBeVisible();
	await isLive(studio);

	await studio.getByRole('button', { name: 'Disconnect' }).click();
	await studio.getByRole('alertdialog').getByRole('button', { name: 'Disconnect' }).click();
	await expect(studio.getByRole('heading', { name: 'Ember' })).toHaveCount(0);
	await studio.context().close();
});

test('a channel is connected on Twitch’s own page, and its events reach the overlay', async ({
	browser
}) => {
	const { twitch, account } = channel;
	const studio = await channel.open(browser, '/studio/connections');
	await studio.getByRole('button', { name: 'Connect Twitch' }).click();
	await studio.getByRole('combobox').selectOption({ label: 'Lumen' });
	await studio.getByRole('button', { name: 'Allow' }).click();
	await studio.waitForURL('**/studio/connections**');
	await expect(studio.getByText('Connected. What happens on the channel')).toBeVisible();
	await isLive(studio);

	const screen = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
	const overlay = await screen.newPage();
	await watchPixels(overlay);
	await overlay.goto(account.overlay_url);
	await overlay.waitForFunction(() => window.__cuelight?.leads === true);
	await studio.getByRole('link', { name: 'Live', exact: true }).click();
	twitch.fire('channel.follow', '1001', named('5001', 'Marguerite'));
	await expect(studio.getByRole('log').getByText('Marguerite')).toBeVisible();
	expect((await awaitTurn(overlay, 1)).painted).toBe(true);
	await screen.close();

	twitch.fire('stream.online', '1001');
	const strip = studio.getByRole('region', { name: 'Channels' });
	await expect(strip.getByText('Live', { exact: true })).toBeVisible();
	await studio.context().close();
});

test('the line is cut: the lists are asked instead, until it is back', async ({ browser }) => {
	const { twitch } = channel;
	const studio = await channel.open(browser, '/studio/connections');
	await isLive(studio);
	twitch.script.fail('/ws', { status: 503 }, 1_000);
	twitch.cut();
	await expect(studio.getByText('Asking instead')).toBeVisible();
	await expect(studio.getByText('The line to the platform is cut')).toBeVisible();

	// Nobody is told of this one: only the list of followers knows.
	twitch.channel('1001').followers.add('2003');
	await studio.getByRole('button', { name: 'Check now' }).click();
	await expect(studio.getByText(/the line had missed and Cuelight found/)).toBeVisible();
	await studio.screenshot({ path: `${artefacts}/connections-polling.png`, fullPage: true });
	await expectAccessible(studio);

	const live = await channel.open(browser, '/studio');
	const log = live.getByRole('log');
	await expect(log.getByText('Caught up').first()).toBeVisible();
	await live.context().close();

	twitch.script.heal();
	await isLive(studio);
	await expect(studio.getByText('The line to the platform is cut')).toHaveCount(0);
	await studio.context().close();
});

test('whoever followed is found, from the event and by name; pages hold on a phone', async ({
	browser
}) => {
	const studio = await channel.open(browser, '/studio', {
		viewport: { width: 390, height: 844 },
		colorScheme: 'dark',
		hasTouch: true
	});
	await studio.getByRole('log').getByRole('link', { name: 'Marguerite' }).click();
	await expect(studio.getByText('Follows since')).toBeVisible();
	await expectAccessible(studio);
	await studio.screenshot({ path: `${artefacts}/phone-viewer.png` });
	for (const path of ['/studio/viewers', '/studio/tasks', '/studio/connections', '/studio']) {
		await studio.goto(`${channel.product.origin}${path}`);
		await studio.waitForLoadState('networkidle');
		await expectAccessible(studio);
		const overflow = await studio.evaluate(
			() => document.documentElement.scrollWidth - document.documentElement.clientWidth
		);
		expect(overflow, path).toBeLessThanOrEqual(0);
		await studio.screenshot({ path: `${artefacts}/phone-now${path.replaceAll('/', '-')}.png` });
	}
	await studio.context().close();
});

test('a task is run from its page', async ({ browser }) => {
	const studio = await channel.open(browser, '/studio/tasks');
	const row = studio.getByRole('listitem').filter({ hasText: 'purge_sessions' });
	await row.getByRole('button', { name: /Run now/ }).click();
	await expect(row.getByText(/[1-9]\d* runs?/)).toBeVisible();
	await row.getByRole('button', { name: /Switch off/ }).click();
	await expect(row.getByText('Off', { exact: true })).toBeVisible();
	await studio.context().close();
});
