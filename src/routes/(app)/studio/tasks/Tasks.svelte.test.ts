import { afterEach, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { AT } from '$lib/studio/test-builders.ts';
import { given, testStage, type StageOptions } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import type { Task } from '$lib/studio/tasks-answers.ts';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Page from './+page.svelte';

const aTask = (change: Partial<Task> = {}): Task => ({
	name: 'purge_sessions',
	title: 'Forget sign-ins',
	interval_s: 3600,
	is_enabled: true,
	next_run_at: new Date(Date.now() + 120_000).toISOString(),
	last_run_at: AT,
	last_duration_ms: 340,
	last_error: null,
	is_running: false,
	runs: 7,
	failures: 0,
	...change
});
const failed = aTask({
	name: 'new_task',
	title: 'Something newer than this page',
	last_error: 'the disk is full',
	failures: 2,
	is_enabled: false
});

afterEach(cleanup);
async function open({ answers = {}, ...options }: StageOptions = {}, locale: 'en' | 'fr' = 'en') {
	const stage = testStage({
		answers: {
			'GET /v1/tasks': () => ({ body: { items: [aTask(), failed] } }),
			'POST /v1/tasks/purge_sessions/run': () => ({ body: aTask({ is_running: true }) }),
			...answers
		},
		...options
	});
	await stage.studio.load();
	render(TestFrame, { part: given(Page, {}), studio: stage.studio, locale });
	return stage;
}
const row = (name: string) => page.getByRole('listitem').filter({ hasText: name });

it('tells what each task does, when it ran, how long, and what went wrong', async () => {
	await open();
	await expect.element(row('purge_sessions')).toHaveTextContent('Forget sign-ins that have ended');
	await expect.element(row('purge_sessions')).toHaveTextContent(/340 ms/);
	await expect.element(row('purge_sessions')).toHaveTextContent(/in [12] minutes?/);
	await expect.element(row('new_task')).toHaveTextContent('Something newer than this page');
	await expect.element(row('new_task')).toHaveTextContent('the disk is full');
	await expect.element(row('new_task')).toHaveTextContent('only when you run it');
	expect(await faultsIn(document.body)).toEqual([]);
});

it('runs a task now, and switches one on', async () => {
	const { asked } = await open({
		answers: { 'PUT /v1/tasks/new_task': () => ({ body: { ...failed, is_enabled: true } }) }
	});
	await row('purge_sessions')
		.getByRole('button', { name: /Run now/ })
		.click();
	await expect.poll(() => asked('POST /v1/tasks/purge_sessions/run')).toEqual([{}]);
	await row('new_task')
		.getByRole('button', { name: /Switch on/ })
		.click();
	await expect.poll(() => asked('PUT /v1/tasks/new_task')).toEqual([{ is_enabled: true }]);
});

it('may be looked at by others, who are told why they cannot change it', async () => {
	await open({ may: ['connections:read'] });
	await expect.element(row('purge_sessions')).toBeVisible();
	await expect
		.element(page.getByText(/for the owner of this server’s first account/))
		.toBeVisible();
	expect(page.getByRole('button', { name: /Run now/ }).elements()).toEqual([]);
});

it('says so when the server refuses the owner of another account', async () => {
	await open({
		answers: {
			'POST /v1/tasks/purge_sessions/run': () => ({ status: 403, body: { code: 'forbidden' } })
		}
	});
	await row('purge_sessions')
		.getByRole('button', { name: /Run now/ })
		.click();
	await expect.element(page.getByRole('alert')).toHaveTextContent(/first account/);
	expect(page.getByRole('button', { name: /Run now/ }).elements()).toEqual([]);
});

it('speaks French, and of platforms by name', async () => {
	await open(
		{
			answers: {
				'GET /v1/tasks': () => ({ body: { items: [aTask({ name: 'watch_stage' })] } })
			}
		},
		'fr'
	);
	await expect
		.element(page.getByText('Demander à Stage quelles chaînes sont en direct'))
		.toBeVisible();
});
