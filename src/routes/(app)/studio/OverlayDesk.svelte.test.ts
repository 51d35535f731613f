import { afterEach, describe, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { aPlay, aQueue, broadcast, OVERLAY, playMessage } from '$lib/studio/test-builders.ts';
import { given, testStage, type StageOptions } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Home from './+page.svelte';

const instance = {
	id: '00000000-0000-4000-8000-000000000077',
	last_seen_at: new Date().toISOString(),
	visible: true,
	leads: true,
	user_agent: 'Mozilla/5.0 OBS/31.0.1'
};
const playing = aPlay({
	seq: 1,
	status: 'playing',
	started_at: '2026-11-20T20:00:00Z',
	duration_ms: 60_000,
	event: { data: { user: { name: 'Dana' }, viewers: 42 }, event_type: 'stage:raid' }
});
const queue = aQueue(
	{ rev: 3, instances: [instance], playing: [playing], waiting: [aPlay({ seq: 2 })] },
	{ top_seq: 2 }
);

let stop = () => {};
afterEach(() => {
	stop();
	cleanup();
});
function open(
	options: StageOptions = {},
	frame: { locale?: 'en' | 'fr'; light?: 'dark' | 'light' } = {}
) {
	const stage = testStage({ queue, ...options });
	stop = stage.studio.start();
	render(TestFrame, { part: given(Home, {}), studio: stage.studio, ...frame });
	return stage;
}
const desk = () => page.getByRole('region', { name: 'My alerts' });

describe('the live page', () => {
	it('shows what is on screen, for how long, and who waits', async () => {
		open();
		await expect.element(desk().getByText('Dana')).toBeVisible();
		await expect.element(desk().getByText('Raid · 42 viewers')).toBeVisible();
		await expect.element(desk().getByRole('progressbar')).toBeVisible();
		await expect.element(desk().getByRole('button', { name: 'Cancel Ann' })).toBeVisible();
		await expect.element(desk().getByText('1 page open')).toBeVisible();
	});

	it('shows an event the moment its message comes', async () => {
		const { say } = open();
		await expect.element(desk().getByText('Dana')).toBeVisible();
		say(broadcast(4, aPlay({ seq: 3, event: { data: { user: { name: 'Zoe' } } } })));
		await expect.element(desk().getByText('Zoe')).toBeVisible();
		await expect.element(page.getByRole('log').getByText('Zoe')).toBeVisible();
	});

	it('cancels the play that is meant, and tells how far the command has come', async () => {
		const { asked, say, studio } = open();
		await desk().getByRole('button', { name: 'Cancel Dana' }).click();
		await expect.poll(() => asked(`POST /v1/plays/${playing.id}/cancel`)).toHaveLength(1);
		await expect.poll(() => studio.commands.shown.map(({ state }) => state)).toEqual(['accepted']);
		say(playMessage('ANIMATION_CANCELLED', 4, { ...playing, status: 'cancelled' }));
		await expect.poll(() => studio.commands.shown.map(({ state }) => state)).toEqual(['seen']);
		await expect.element(desk().getByText('Nothing on screen')).toBeVisible();
	});

	it('skips and pauses this overlay, and pauses all', async () => {
		const { asked } = open();
		await desk().getByRole('button', { name: 'Skip' }).click();
		await desk().getByRole('button', { name: 'Pause' }).click();
		await page.getByRole('button', { name: 'Pause all' }).click();
		await expect.poll(() => asked('POST /v1/queue/skip')).toEqual([{ overlay_id: OVERLAY }]);
		await expect.poll(() => asked('POST /v1/queue/pause')).toEqual([{ overlay_id: OVERLAY }, {}]);
	});

	it('sends a test alert of the chosen kind, and offers only kinds that are shown', async () => {
		const { asked } = open();
		const kinds = page.getByLabelText('Kind of test alert');
		await expect.element(kinds.getByRole('option', { name: 'Raid' })).toBeInTheDocument();
		expect(kinds.getByRole('option', { name: 'Counter' }).elements()).toEqual([]);
		await kinds.selectOptions('stage:raid');
		await page.getByRole('button', { name: 'Send test alert' }).click();
		await expect.poll(() => asked('POST /v1/events/test')).toEqual([{ event_type: 'stage:raid' }]);
	});

	it('says which pause is in force, and that no page is open', async () => {
		open({ queue: aQueue({ paused: true }, { paused: true }) });
		await expect.element(page.getByText('Everything is paused')).toBeVisible();
		expect(desk().getByRole('button', { name: 'Resume' }).elements()).toEqual([]);
		await expect.element(desk().getByText('No page open')).toBeVisible();
	});

	it('offers no commands to those who may only look', async () => {
		const { studio } = open({ may: ['events:read', 'overlays:read'] });
		await expect.element(desk().getByText('Dana')).toBeVisible();
		await expect.poll(() => studio.me).not.toBeNull();
		await expect
			.poll(() =>
				desk()
					.getByRole('button', { name: /Skip|Pause|Cancel/ })
					.elements()
			)
			.toEqual([]);
		expect(page.getByRole('button', { name: 'Send test alert' }).elements()).toEqual([]);
	});

	it('tells a fault in plain words and that it is tried again', async () => {
		open({
			answers: { 'GET /v1/queue': () => ({ status: 503, body: { code: 'unavailable' } }) }
		});
		await expect
			.element(page.getByText('The database cannot be reached for the moment.'))
			.toBeVisible();
		await expect.element(page.getByText('It is tried again by itself.')).toBeVisible();
	});

	it.each([
		['dark', 'en'],
		['light', 'fr']
	] as const)('is without fault for axe, %s, %s', async (light, locale) => {
		open({}, { light, locale });
		await expect.element(desk().getByText('Dana')).toBeVisible();
		expect(await faultsIn(document.body)).toEqual([]);
	});
});
