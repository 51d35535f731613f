import { afterEach, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { rolePermissions } from '$lib/bus';
import type { Invitation, Member } from '$lib/studio/people-calls.ts';
import { AT, uuid } from '$lib/studio/test-builders.ts';
import { given, testStage, type StageOptions } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Page from './+page.svelte';

const aMember = (n: number, change: Partial<Member>): Member => ({
	...{ user_id: uuid(n), name: 'Mara', email: `m${n}@example.com`, role: 'moderator' },
	...{ is_you: false, created_at: AT },
	...change
});
const me = aMember(5, { name: 'Owner', role: 'owner', is_you: true });
const mara = aMember(6, {});
const anInvitation = (n: number, change: Partial<Invitation> = {}): Invitation => ({
	...{ id: uuid(n), role: 'moderator', note: 'Ada', created_at: AT, revoked_at: null },
	...{ accepted_at: null, accepted_by: null, expires_at: '2999-01-01T00:00:00.000Z' },
	...change
});

afterEach(cleanup);
interface Scene extends StageOptions {
	members?: Member[];
	invitations?: Invitation[];
	locale?: 'en' | 'fr';
	light?: 'dark' | 'light';
}
async function open({
	members = [me, mara],
	invitations = [],
	answers = {},
	locale = 'en',
	light = 'dark',
	...options
}: Scene = {}) {
	const stage = testStage({
		answers: {
			'GET /v1/members': () => ({ body: { items: members } }),
			'GET /v1/invitations': () => ({ body: { items: invitations } }),
			...answers
		},
		...options
	});
	await stage.studio.load();
	render(TestFrame, { part: given(Page, {}), studio: stage.studio, locale, light });
	return stage;
}
const row = (name: string) => page.getByRole('listitem').filter({ hasText: name }).first();
const button = (name: string | RegExp) => page.getByRole('button', { name });

it.each(['dark', 'light'] as const)(
	'lists members and roles, and is readable (%s)',
	async (light) => {
		await open({ light, invitations: [anInvitation(20), anInvitation(21, { revoked_at: AT })] });
		await expect.element(row('Owner')).toHaveTextContent('Nobody changes their own role');
		await expect.element(page.getByLabelText('Role of Mara')).toHaveValue('moderator');
		await expect.element(page.getByText('You are the only owner')).toBeVisible();
		await expect.element(button('Leave this account')).toBeDisabled();
		await expect.element(page.getByText('1 past invitation')).toBeVisible();
		await page.getByText('All rights, one by one').click();
		await expect.element(page.getByText('cancel, replay, skip and pause')).toBeVisible();
		expect(await faultsIn(document.body)).toEqual([]);
	}
);

it('asks before a role changes, and goes back when thought better of', async () => {
	const call = `PUT /v1/members/${mara.user_id}`;
	const { asked } = await open({
		answers: { [call]: () => ({ body: { ...mara, role: 'administrator' } }) }
	});
	const choice = page.getByLabelText('Role of Mara');
	await choice.selectOptions('administrator');
	await button('Never mind').click();
	await expect.element(choice).toHaveValue('moderator');
	expect(asked(call)).toEqual([]);
	await choice.selectOptions('administrator');
	await expect.element(page.getByRole('alertdialog')).toHaveTextContent('takes effect at once');
	expect(await faultsIn(document.body)).toEqual([]);
	await button('Change role').click();
	await expect.poll(() => asked(call)).toEqual([{ role: 'administrator' }]);
});

it('hands the account over, and removes, each with a question', async () => {
	const { asked } = await open({
		answers: {
			[`POST /v1/members/${mara.user_id}/transfer`]: () => ({
				body: { ...mara, role: 'owner' }
			}),
			[`DELETE /v1/members/${mara.user_id}`]: () => ({
				status: 409,
				body: { code: 'conflict', detail: 'The last owner stays' }
			})
		}
	});
	await button('Hand the account over to Mara').click();
	await expect.element(page.getByRole('alertdialog')).toHaveTextContent('Mara becomes the owner');
	await button('Hand over').click();
	await expect.poll(() => asked(`POST /v1/members/${mara.user_id}/transfer`)).toEqual([{}]);
	await button('Remove Mara').click();
	await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
	await expect.element(page.getByRole('alert')).toHaveTextContent('The last owner stays');
});

it('makes a link that is masked until asked for, and put away', async () => {
	const { asked } = await open({
		members: [me],
		answers: {
			'POST /v1/invitations': () => ({
				status: 201,
				body: { invitation: anInvitation(22), url: 'http://x.test/join#ck_invite_abc' }
			})
		}
	});
	await expect.element(page.getByText('You are alone here')).toBeVisible();
	await button('Invite somebody').click();
	await page.getByLabelText('The link is good for').selectOptions('30 days');
	await page.getByLabelText('Whom it is for').fill('Ada');
	expect(await faultsIn(document.body)).toEqual([]);
	await button('Make link').click();
	await expect
		.poll(() => asked('POST /v1/invitations'))
		.toEqual([{ role: 'moderator', expires_in_days: 30, note: 'Ada' }]);
	expect(document.body.textContent).not.toContain('ck_invite_abc');
	await button('Show: Invitation link').click();
	await expect.element(page.getByText('ck_invite_abc')).toBeVisible();
	await button('I have it').click();
	await expect.poll(() => document.body.textContent).not.toContain('ck_invite_abc');
});

it('revokes an open invitation', async () => {
	const call = `DELETE /v1/invitations/${uuid(20)}`;
	const { asked } = await open({
		invitations: [anInvitation(20)],
		answers: { [call]: () => ({ body: anInvitation(20, { revoked_at: AT }) }) }
	});
	await button('Revoke the invitation for Ada').click();
	await expect.poll(() => asked(call)).toHaveLength(1);
});

it('an administrator cannot touch an owner, and is told why', async () => {
	const owner = aMember(7, { name: 'Olga', role: 'owner' });
	await open({
		may: rolePermissions.administrator,
		members: [owner, aMember(5, { name: 'Adam', role: 'administrator', is_you: true }), mara],
		answers: {
			'GET /v1/me': () => ({
				body: {
					user: { id: uuid(5), email: 'a@example.com', name: 'Adam' },
					accounts: [{ id: uuid(1), name: 'The Old Vic', role: 'administrator' }],
					account_id: uuid(1),
					permissions: rolePermissions.administrator
				}
			})
		}
	});
	await expect.element(row('Olga')).toHaveTextContent('only an owner can change this member');
	expect(button('Remove Olga').elements()).toEqual([]);
	expect(button(/Hand the account/).elements()).toEqual([]);
	const offered = page.getByLabelText('Role of Mara').element().querySelectorAll('option');
	expect([...offered].map(({ value }) => value)).toEqual(['administrator', 'moderator']);
	await expect.element(button('Leave this account')).toBeEnabled();
});

it('a moderator sees their own role and may leave, in French', async () => {
	await open({ may: rolePermissions.moderator, locale: 'fr' });
	await expect
		.element(page.getByText('Votre rôle ne montre pas qui d’autre est ici'))
		.toBeVisible();
	await expect.element(button('Quitter ce compte')).toBeVisible();
	expect(button('Inviter quelqu’un').elements()).toEqual([]);
	expect(await faultsIn(document.body)).toEqual([]);
});

it('says that the list cannot be read, and tries again', async () => {
	let isAway = true;
	await open({
		answers: {
			'GET /v1/members': () =>
				isAway ? { status: 503, body: { code: 'unavailable' } } : { body: { items: [me] } }
		}
	});
	await expect.element(page.getByText('The database cannot be reached')).toBeVisible();
	isAway = false;
	await button('Try again').click();
	await expect.element(row('Owner')).toBeVisible();
});
