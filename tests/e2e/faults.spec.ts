/** Whatever is killed or cut, each acknowledged alert is painted once, in order. */
import type { Browser, Page } from '@playwright/test';
import { told, type Schema } from '../../src/lib/client/index.ts';
import { killDatabase } from '../chaos/faults.ts';
import { awaitTurn } from './pixels.ts';
import { awaitQueue, expect, isIdle, openOverlay, readEvent, test, type Stage } from './product.ts';
import { cheer } from './twitch.ts';

/** Names of the viewers whose alerts this page put on screen, in order. */
const shownOn = (page: Page): Promise<string[]> =>
	page.evaluate(() => (window.__cuelight?.shown ?? []).map(({ play_id }) => play_id));

/** Sends until acknowledged, as Twitch does: the server may be away. */
async function deliver(stage: Stage, name: string, bits = 100): Promise<void> {
	await expect(async () => {
		expect(await cheer(stage.product.origin, name, { bits })).toBeLessThan(300);
	}).toPass({ timeout: 30_000, intervals: [100] });
}

async function shorten(stage: Stage): Promise<void> {
	// Alerts of the catalog last six seconds; a manual one may be shorter, and the road is the same.
	await awaitQueue(stage, isIdle, 30_000);
}

async function emit(
	stage: Stage,
	name: string,
	priority: Schema<'Priority'> = 'normal'
): Promise<string> {
	const body = {
		event_type: 'custom:fault',
		class: 'animated' as const,
		data: { user: { id: name, login: name.toLowerCase(), name, picture: null } },
		priority,
		duration_ms: 1500
	};
	return (await told(stage.client.POST('/v1/events/emit', { body }))).event_id;
}

async function open(browser: Browser, stage: Stage): Promise<Page> {
	const page = await openOverlay(browser, stage);
	await awaitQueue(stage, (queue) =>
		queue.overlays.some((overlay) => overlay.instances.some((instance) => instance.leads))
	);
	await shorten(stage);
	return page;
}

/** The plays of these events that ended as completed, and that each was shown by this page once. */
async function expectShownOnce(stage: Stage, page: Page, events: string[]): Promise<void> {
	await awaitQueue(stage, isIdle, 60_000);
	const shown = await shownOn(page);
	expect(new Set(shown).size).toBe(shown.length);
	for (const id of events) {
		const event = await readEvent(stage, id);
		expect(event.status).toBe('completed');
		expect(event.plays).toHaveLength(1);
		expect(shown.filter((play) => play === event.plays[0]?.id)).toHaveLength(1);
	}
}

test.describe('every acknowledged alert is shown exactly once', () => {
	test('when the server is killed while one plays and others wait', async ({ browser, stage }) => {
		const page = await open(browser, stage);
		const events = [];
		for (const name of ['Anne', 'Ben', 'Cleo']) events.push(await emit(stage, name));
		events.push(await emit(stage, 'Urgent', 'high'));
		await awaitTurn(page, 1);
		await stage.restart();
		await expectShownOnce(stage, page, events);
		// The high one went before all that waited with it.
		const order = await shownOn(page);
		const playOf = async (id: string | undefined) =>
			(await readEvent(stage, id ?? '')).plays[0]?.id ?? '';
		expect(order.indexOf(await playOf(events[3]))).toBeLessThan(
			order.indexOf(await playOf(events[1]))
		);
		await page.context().close();
	});

	test('when the database is killed', async ({ browser, stage }) => {
		const page = await open(browser, stage);
		const first = await emit(stage, 'Dora');
		const second = await emit(stage, 'Emil');
		await awaitTurn(page, 1);
		expect(killDatabase(stage.dataDir)).toBe(true);
		await deliver(stage, 'AfterTheCrash');
		await expectShownOnce(stage, page, [first, second]);
		await page.context().close();
	});

	test('when the network of the page is cut', async ({ browser, stage }) => {
		const page = await open(browser, stage);
		const first = await emit(stage, 'Fay');
		await awaitTurn(page, 1);
		await page.context().setOffline(true);
		const second = await emit(stage, 'Gus');
		await awaitTurn(page, 2);
		await page.context().setOffline(false);
		await expectShownOnce(stage, page, [first, second]);
		await page.context().close();
	});

	test('when the page is reloaded before its turn came', async ({ browser, stage }) => {
		const page = await open(browser, stage);
		const first = await emit(stage, 'Hal');
		const second = await emit(stage, 'Ida');
		await awaitTurn(page, 1);
		await page.reload();
		await awaitQueue(stage, isIdle, 60_000);
		for (const id of [first, second]) {
			const event = await readEvent(stage, id);
			expect(event.status).toBe('completed');
		}
		const shown = await shownOn(page);
		const { plays } = await readEvent(stage, second);
		expect(shown.filter((play) => play === plays[0]?.id)).toHaveLength(1);
		expect(plays[0]?.attempt).toBe(1);
		await page.context().close();
	});
});
