import { afterEach, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { ApiError } from '$lib/studio/api.ts';
import { aPlay, aQueue, playMessage } from '$lib/studio/test-builders.ts';
import { given, testStage } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import CommandStrip from './CommandStrip.svelte';

let stop = () => {};
afterEach(() => {
	stop();
	cleanup();
});

const replay = (send: () => Promise<unknown>) => ({
	kind: 'replay' as const,
	label: 'Ann',
	target: { event_id: aPlay().event_id },
	send
});
const card = () => page.getByRole('region', { name: 'Commands' });

it('a command waits visibly for a page, and says so when none is open', async () => {
	const { studio, say } = testStage({ queue: aQueue() });
	stop = studio.start();
	render(TestFrame, { part: given(CommandStrip, {}), studio });
	await studio.commands.give(replay(() => Promise.resolve({})));
	await expect.element(card().getByText('No page has the overlay open: it waits.')).toBeVisible();
	say(playMessage('ANIMATION_STARTED', 1, aPlay({ status: 'playing', reason: 'replay' })));
	await expect
		.poll(() => card().element().querySelector('[data-state]')?.getAttribute('data-state'))
		.toBe('seen');
	expect(card().getByText('it waits').elements()).toEqual([]);
});

it('a refused command says why in plain words and stays until it is put away', async () => {
	const { studio } = testStage();
	stop = studio.start();
	render(TestFrame, { part: given(CommandStrip, {}), studio });
	await studio.commands.give(
		replay(() => Promise.reject(new ApiError('conflict', 'Event 7 may not be replayed.')))
	);
	await expect.element(card().getByText('Its state does not allow that any more.')).toBeVisible();
	await expect.element(card().getByText('Event 7 may not be replayed.')).toBeVisible();
	expect(await faultsIn(document.body)).toEqual([]);
	await card().getByRole('button', { name: 'Close' }).click();
	await expect.poll(() => studio.commands.shown).toEqual([]);
});
