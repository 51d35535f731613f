import { afterEach, describe, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { permissions as all } from '$lib/bus';
import { AT, OVERLAY, uuid } from '$lib/studio/test-builders.ts';
import { testStage } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Page from './+page.svelte';

const aKey = (n: number, kind: string, name: string) => ({
	...{ id: uuid(n), kind, name, hint: `end${n}`, overlay_id: null, created_at: AT },
	permissions: kind === 'api' ? ['events:read', 'queue:control'] : [],
	effective_permissions: kind === 'api' ? ['events:read'] : [],
	...{ last_used_at: null, ends_at: null as string | null, revoked_at: null }
});

afterEach(cleanup);
async function open({ may = all, many = 0 }: { may?: readonly string[]; many?: number } = {}) {
	const keys = [
		aKey(31, 'api', 'Chat bot'),
		aKey(32, 'ingest', 'High scores'),
		aKey(33, 'overlay', 'Main scene'),
		...Array.from({ length: many }, (_, n) => aKey(1000 + n, 'api', `Bot ${n}`))
	];
	const stage = testStage({
		may,
		answers: {
			'GET /v1/keys': () => ({ body: { items: keys } }),
			'POST /v1/keys': () => {
				keys.push(aKey(34, 'api', 'New one'));
				return { status: 201, body: { key: aKey(34, 'api', 'New one'), secret: 'ck_api_secret' } };
			},
			[`POST /v1/keys/${uuid(31)}/rotate`]: () => {
				keys.push(aKey(35, 'api', 'Chat bot, again'));
				keys[0] = { ...aKey(31, 'api', 'Chat bot'), ends_at: AT };
				return { body: { key: aKey(35, 'api', 'Chat bot, again'), secret: 'ck_api_other' } };
			},
			[`DELETE /v1/keys/${uuid(31)}`]: () => {
				keys.shift();
				return { body: {} };
			}
		}
	});
	await stage.studio.load();
	render(TestFrame, { part: Page, studio: stage.studio });
	return stage;
}
const row = (name: string) => page.getByRole('listitem').filter({ hasText: name });

describe('the keys of an account', () => {
	it('are told with their kind and what they may, and one that may less than it was given', async () => {
		await open();
		await expect.element(row('Chat bot').getByText('It may do less')).toBeVisible();
		await expect.element(row('High scores').getByText('An event sender')).toBeVisible();
		await row('Chat bot').getByText('may do 2 things').click();
		await expect
			.element(row('Chat bot').getByText('read events, control the queue.'))
			.toBeVisible();
		expect(await faultsIn(document.body)).toEqual([]);
	});

	it('a program’s is made with chosen permissions, and shown once', async () => {
		const { asked } = await open();
		await page.getByRole('button', { name: 'New key' }).click();
		expect(await faultsIn(document.body)).toEqual([]);
		await page.getByLabelText('What it is for').fill(' New one ');
		await page.getByRole('checkbox', { name: 'send events', exact: true }).click();
		await page.getByRole('button', { name: 'Make key' }).click();
		await expect
			.poll(() => asked('POST /v1/keys'))
			.toEqual([{ kind: 'api', name: 'New one', permissions: ['events:read', 'events:create'] }]);
		await row('New one').getByRole('button', { name: /^Show/ }).click();
		await expect.element(row('New one').getByText('ck_api_secret')).toBeVisible();
	});

	it('an event sender’s takes no permissions; what one lacks is not offered', async () => {
		const { asked } = await open({ may: ['keys:edit', 'events:read'] });
		await page.getByRole('button', { name: 'New key' }).click();
		await expect.element(page.getByRole('checkbox', { name: 'read events' })).toBeVisible();
		expect(page.getByRole('checkbox').elements()).toHaveLength(2);
		await page.getByRole('radio', { name: /event sender/ }).click();
		expect(page.getByRole('checkbox').elements()).toHaveLength(0);
		await page.getByLabelText('What it is for').fill('Arcade');
		await page.getByRole('button', { name: 'Make key' }).click();
		await expect.poll(() => asked('POST /v1/keys')).toEqual([{ kind: 'ingest', name: 'Arcade' }]);
	});

	it('one for OBS names its overlay', async () => {
		const { asked } = await open();
		await page.getByRole('button', { name: 'New key' }).click();
		await page.getByRole('radio', { name: /OBS/ }).click();
		await page.getByLabelText('What it is for').fill('Laptop');
		await page.getByRole('button', { name: 'Make key' }).click();
		await expect
			.poll(() => asked(`POST /v1/overlays/${OVERLAY}/keys`))
			.toEqual([{ name: 'Laptop' }]);
	});

	it('get a new secret with an overlap, and the old one says when it ends', async () => {
		const { asked } = await open();
		await row('Chat bot')
			.getByRole('button', { name: /^Rotate/ })
			.click();
		await page.getByLabelText('The old secret').selectOptions('1440');
		expect(await faultsIn(document.body)).toEqual([]);
		await page.getByRole('alertdialog').getByRole('button', { name: 'Rotate' }).click();
		await expect
			.poll(() => asked(`POST /v1/keys/${uuid(31)}/rotate`))
			.toEqual([{ overlap_minutes: 1440 }]);
		await expect.element(page.getByText(/Replaced; stops working/)).toBeVisible();
	});

	it('are revoked after a question', async () => {
		const { asked } = await open();
		await row('Chat bot')
			.getByRole('button', { name: /^Revoke/ })
			.click();
		expect(asked(`DELETE /v1/keys/${uuid(31)}`)).toEqual([]);
		const dialog = page.getByRole('alertdialog', { name: 'Revoke “Chat bot”?' });
		await dialog.getByRole('button', { name: 'Revoke' }).click();
		await expect.poll(() => asked(`DELETE /v1/keys/${uuid(31)}`)).toHaveLength(1);
		await expect.poll(() => row('Chat bot').elements()).toHaveLength(0);
	});

	it('are few in the page however many there are, and found by name', async () => {
		await open({ many: 3_000 });
		await expect.element(row('Bot 0')).toBeVisible();
		await expect.poll(() => document.querySelectorAll('[data-key]').length).toBeLessThan(400);
		await page.getByLabelText('Search name').fill('scores');
		await expect.poll(() => document.querySelectorAll('[data-key]').length).toBe(1);
	});

	it('are not for everybody', async () => {
		const { asked } = await open({ may: ['events:read'] });
		await expect.element(page.getByText('Your role does not handle keys.')).toBeVisible();
		expect(asked('GET /v1/keys')).toEqual([]);
	});
});
