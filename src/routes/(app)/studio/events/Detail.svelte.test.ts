import { afterEach, describe, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { History } from '$lib/studio/history.svelte.ts';
import { AT, aPlay, anEvent } from '$lib/studio/test-builders.ts';
import { given, testStage, type Answer } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Detail from './Detail.svelte';

const { event: _event, ...play } = aPlay({ status: 'cancelled' });
const event = anEvent({ status: 'active', data: { user: { name: '<b>Ann</b>' }, message: 'hi' } });
const detail = {
	...event,
	raw: { subscription: { type: 'follow' } },
	plays: [
		{
			...play,
			transitions: [
				{
					at: AT,
					from_status: null,
					to_status: 'queued',
					actor_kind: 'system',
					actor_id: null,
					reason: null
				},
				{
					at: AT,
					from_status: 'queued',
					to_status: 'cancelled',
					actor_kind: 'member',
					actor_id: null,
					reason: 'spoiler'
				}
			]
		}
	]
};

afterEach(cleanup);
async function open(answer: () => Answer = () => ({ body: detail })) {
	const stage = testStage({ answers: { [`GET /v1/events/${event.id}`]: answer } });
	const history = new History(stage.studio.api);
	let closed = 0;
	await history.open(event.id);
	render(TestFrame, {
		part: given(Detail, { history, onclose: () => (closed += 1) }),
		studio: stage.studio
	});
	return { ...stage, history, closed: () => closed };
}

describe('an event’s details', () => {
	it('show what it said as text, its plays with each step, and the platform’s own document', async () => {
		await open();
		await expect.element(page.getByText('<b>Ann</b>', { exact: true })).toBeVisible();
		await expect.element(page.getByText('spoiler')).toBeVisible();
		await page.getByText('As the platform sent it').click();
		await expect.element(page.getByText('"type": "follow"')).toBeVisible();
		expect(await faultsIn(document.body)).toEqual([]);
	});

	it('cancel the event after a question', async () => {
		const { asked } = await open();
		await page.getByRole('button', { name: 'Cancel event' }).click();
		expect(asked(`PUT /v1/events/${event.id}/cancel`)).toEqual([]);
		await page.getByRole('button', { name: 'Cancel the event' }).click();
		await expect.poll(() => asked(`PUT /v1/events/${event.id}/cancel`)).toHaveLength(1);
	});

	it('replay it, and look again afterwards', async () => {
		const { asked } = await open();
		await page.getByRole('button', { name: 'Replay' }).click();
		await expect.poll(() => asked(`POST /v1/events/${event.id}/replay`)).toEqual([{}]);
		await expect.poll(() => asked(`GET /v1/events/${event.id}`)).toHaveLength(2);
	});

	it('say when it is not there, and can be closed', async () => {
		const { closed } = await open(() => ({ status: 404, body: { code: 'not_found' } }));
		await expect.element(page.getByText('It is not there (any more).')).toBeVisible();
		await page.getByRole('button', { name: 'Close details' }).click();
		expect(closed()).toBe(1);
	});
});
