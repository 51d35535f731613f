import { afterEach, describe, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { AT, OVERLAY, uuid } from '$lib/studio/test-builders.ts';
import { given, testStage } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import OverlayAddresses from './OverlayAddresses.svelte';

const key = (n: number, name: string) => ({
	id: uuid(n),
	kind: 'overlay',
	name,
	hint: `end${n}`,
	overlay_id: OVERLAY,
	permissions: [],
	created_at: AT,
	last_used_at: null,
	revoked_at: null
});
const SECRET = 'http://127.0.0.1:4517/overlay#ck_overlay_verysecret';

afterEach(cleanup);
function open() {
	const keys = [key(31, 'Streaming PC')];
	const stage = testStage({
		answers: {
			[`GET /v1/overlays/${OVERLAY}/keys`]: () => ({ body: { items: keys } }),
			[`POST /v1/overlays/${OVERLAY}/keys`]: () => {
				keys.push(key(32, 'Laptop'));
				return {
					status: 201,
					body: { key: key(32, 'Laptop'), secret: 'ck_overlay_verysecret', url: SECRET }
				};
			},
			[`POST /v1/keys/${uuid(31)}/rotate`]: () => ({
				body: { key: keys[0], secret: 'ck_overlay_verysecret', url: SECRET }
			}),
			[`DELETE /v1/keys/${uuid(31)}`]: () => {
				keys.shift();
				return { body: {} };
			}
		}
	});
	const overlay = { id: OVERLAY, name: 'My alerts', width: 1920, height: 1080 };
	render(TestFrame, { part: given(OverlayAddresses, { overlay }), studio: stage.studio });
	return stage;
}
const card = (name: string) => page.getByRole('listitem').filter({ hasText: name });

describe('an overlay’s addresses', () => {
	it('are masked; a new one can be shown, and is kept only until it is put away', async () => {
		const { kept } = open();
		await expect.element(card('Streaming PC').getByText('…end31')).toBeVisible();
		await page.getByRole('button', { name: 'New address' }).click();
		await page.getByLabelText('Where it will be used').fill('Laptop');
		await userEvent.keyboard('{Enter}');
		await expect.element(card('Laptop').getByText('It cannot be shown again later')).toBeVisible();
		expect(document.body.textContent).not.toContain('verysecret');
		await card('Laptop').getByRole('button', { name: /^Show/ }).click();
		await expect.element(card('Laptop').getByText(SECRET)).toBeVisible();
		await card('Laptop').getByRole('button', { name: /^Hide/ }).click();
		await expect.poll(() => document.body.textContent).not.toContain('verysecret');
		expect([...kept.values()]).toEqual([SECRET]);
		await card('Laptop').getByRole('button', { name: 'I have it' }).click();
		await expect.poll(() => [...kept.values()]).toEqual([]);
	});

	it('are revoked only after a question whose harmless answer has the focus', async () => {
		const { asked } = open();
		await card('Streaming PC').getByRole('button', { name: 'Revoke' }).click();
		const dialog = page.getByRole('alertdialog', { name: 'Revoke “Streaming PC”?' });
		await expect.element(dialog).toBeVisible();
		await expect.element(dialog.getByRole('button', { name: 'Never mind' })).toHaveFocus();
		expect(await faultsIn(document.body)).toEqual([]);
		await userEvent.keyboard('{Escape}');
		await expect.poll(() => dialog.elements()).toEqual([]);
		expect(asked(`DELETE /v1/keys/${uuid(31)}`)).toEqual([]);
		await card('Streaming PC').getByRole('button', { name: 'Revoke' }).click();
		await dialog.getByRole('button', { name: 'Revoke' }).click();
		await expect.poll(() => asked(`DELETE /v1/keys/${uuid(31)}`)).toHaveLength(1);
		await expect.element(page.getByText('No address')).toBeVisible();
	});

	it('get a new secret by rotating', async () => {
		const { asked } = open();
		await card('Streaming PC').getByRole('button', { name: 'Rotate' }).click();
		await page.getByRole('alertdialog').getByRole('button', { name: 'Rotate' }).click();
		await expect.poll(() => asked(`POST /v1/keys/${uuid(31)}/rotate`)).toHaveLength(1);
		await expect.element(card('Streaming PC').getByRole('button', { name: /^Show/ })).toBeVisible();
		expect(await faultsIn(document.body)).toEqual([]);
	});
});
