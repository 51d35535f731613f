import { afterEach, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { ACCOUNT, uuid } from '$lib/studio/test-builders.ts';
import { given, testStage } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import AccountSwitch from './AccountSwitch.svelte';
import NotHere from './NotHere.svelte';

const vic = { id: ACCOUNT, name: 'The Old Vic', role: 'owner', is_default: true };
const globe = { id: uuid(8), name: 'The Globe', role: 'moderator', is_default: false };
afterEach(cleanup);

/** A person of these accounts, who works in the first; the list may change meanwhile. */
async function stageOf(accounts: (typeof vic)[]) {
	const says = { accounts };
	const stage = testStage({
		answers: {
			'GET /v1/me': () => ({
				body: {
					user: { id: uuid(5), email: 'owner@example.com', name: 'Owner' },
					accounts: says.accounts,
					account_id: says.accounts[0]?.id ?? null,
					permissions: []
				}
			})
		}
	});
	await stage.studio.load();
	return { ...stage, says };
}

it('switches to another account, and says what one is there', async () => {
	let switched = 0;
	const { studio, asked } = await stageOf([vic, globe]);
	render(TestFrame, { part: given(AccountSwitch, { onswitched: () => (switched += 1) }), studio });
	await page.getByRole('button', { name: 'Switch account: The Old Vic' }).click();
	const other = page.getByRole('menuitemradio', { name: 'The Globe' });
	await expect.element(other).toHaveTextContent('Moderator');
	await expect.element(page.getByText('You begin here')).toBeVisible();
	expect(await faultsIn(document.body)).toEqual([]);
	await other.click();
	await expect.poll(() => switched).toBe(1);
	expect(asked('PUT /v1/accounts/current')).toEqual([{ account_id: globe.id }]);
});

it('begins in the account that is chosen for it', async () => {
	const { studio, asked } = await stageOf([{ ...vic, is_default: false }, globe]);
	render(TestFrame, { part: given(AccountSwitch, { onswitched: () => {} }), studio });
	await page.getByRole('button', { name: /Switch account/ }).click();
	await page.getByRole('menuitem', { name: 'Begin in this one' }).click();
	await expect
		.poll(() => asked('PUT /v1/accounts/current'))
		.toEqual([{ account_id: ACCOUNT, is_default: true }]);
});

it('offers nothing to who has one account', async () => {
	const { studio } = await stageOf([vic]);
	render(TestFrame, { part: given(AccountSwitch, { onswitched: () => {} }), studio });
	expect(page.getByRole('button').elements()).toEqual([]);
});

it('says that an account is lost, and where else one may go', async () => {
	const { studio, says, asked } = await stageOf([vic, globe]);
	says.accounts = [globe];
	await studio.load();
	let switched = 0;
	const props = { onswitched: () => (switched += 1), onsignout: () => {} };
	render(TestFrame, { part: given(NotHere, props), studio });
	await expect
		.element(page.getByRole('heading'))
		.toHaveTextContent('You are not a member of The Old Vic any more');
	expect(await faultsIn(document.body)).toEqual([]);
	await page.getByRole('button', { name: 'Go to The Globe' }).click();
	await expect.poll(() => switched).toBe(1);
	expect(asked('PUT /v1/accounts/current')).toEqual([{ account_id: globe.id }]);
});

it('says that one has no account at all, in French', async () => {
	const { studio } = await stageOf([]);
	const props = { onswitched: () => {}, onsignout: () => {} };
	render(TestFrame, { part: given(NotHere, props), studio, locale: 'fr', light: 'light' });
	await expect.element(page.getByText('Vous n’appartenez à aucun compte')).toBeVisible();
	expect(await faultsIn(document.body)).toEqual([]);
});
