import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { given } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Join from './+page.svelte';

const went = vi.hoisted((): string[] => []);
vi.mock('$app/navigation', () => ({ goto: async (address: string) => void went.push(address) }));

type Answer = { status?: number; body: unknown };
let answers: Record<string, Answer>;
let sent: { call: string; body: unknown }[] = [];
const invitation = (state: string) => ({
	body: { account: 'The Old Vic', role: 'moderator', expires_at: '2999-01-01T00:00:00Z', state }
});

beforeEach(() => {
	sent = [];
	went.length = 0;
	sessionStorage.clear();
	answers = {
		'GET /v1/invitations/info': invitation('open'),
		'GET /v1/sign-in': { body: { passkeys: true, providers: [] } },
		'POST /v1/invitations/accept': { body: {} }
	};
	vi.spyOn(window, 'fetch').mockImplementation(async (address, init) => {
		const call = `${init?.method ?? 'GET'} ${String(address).split('?')[0]}`;
		sent.push({ call, body: init?.body ? JSON.parse(String(init.body)) : undefined });
		const { status = 200, body } = answers[call] ?? { body: {} };
		return new Response(JSON.stringify(body), { status });
	});
});
afterEach(() => {
	vi.restoreAllMocks();
	cleanup();
	location.hash = '';
});
const person = { name: 'Mara', email: 'mara@example.com' };
function open(as: typeof person | null = null, secret = 'ck_invite_x', locale: 'en' | 'fr' = 'en') {
	location.hash = secret;
	render(TestFrame, { part: given(Join, { data: { person: as } }), locale });
}
const accepted = () =>
	sent.filter(({ call }) => call === 'POST /v1/invitations/accept').map(({ body }) => body);

it('takes in who is new', async () => {
	open();
	await expect.element(page.getByRole('heading', { name: 'Join The Old Vic' })).toBeVisible();
	expect(await faultsIn(document.body)).toEqual([]);
	await page.getByRole('button', { name: 'Make my sign-in and join' }).click();
	await expect.element(page.getByText('This is needed.')).toBeVisible();
	expect(accepted()).toEqual([]);
	await page.getByLabelText('Your name').fill('Mara');
	await page.getByLabelText('E-mail').fill(person.email);
	await page.getByLabelText('Password', { exact: true }).fill('curtain up at eight');
	await page.getByRole('button', { name: 'Make my sign-in and join' }).click();
	await expect.poll(() => went).toEqual(['/studio']);
	const sign_up = { ...person, password: 'curtain up at eight' };
	expect(accepted()).toEqual([{ secret: 'ck_invite_x', sign_up }]);
});

it('keeps the invitation for who signs in first, and tells who is known', async () => {
	answers['POST /v1/invitations/accept'] = { status: 409, body: { code: 'conflict' } };
	open();
	await page.getByLabelText('Your name').fill('Mara');
	await page.getByLabelText('E-mail').fill(person.email);
	await page.getByLabelText('Password', { exact: true }).fill('curtain up at eight');
	await page.getByRole('button', { name: 'Make my sign-in and join' }).click();
	await expect.element(page.getByText('This e-mail has a sign-in here already.')).toBeVisible();
	cleanup();
	answers['POST /v1/invitations/accept'] = { body: {} };
	open(person, '');
	await page.getByRole('button', { name: 'Join', exact: true }).click();
	await expect.poll(() => went).toEqual(['/studio']);
	expect(accepted().at(-1)).toEqual({ secret: 'ck_invite_x' });
	expect(sessionStorage.length).toBe(0);
});

it('accepts as who is signed in, unless they are a member', async () => {
	answers['POST /v1/invitations/accept'] = { status: 409, body: { code: 'conflict' } };
	open(person);
	await expect.element(page.getByText('You are signed in as Mara')).toBeVisible();
	await page.getByRole('button', { name: 'Join', exact: true }).click();
	await expect.element(page.getByText('You are a member of this account already.')).toBeVisible();
	expect(await faultsIn(document.body)).toEqual([]);
});

it.each([
	['accepted', 'This invitation was used'],
	['revoked', 'This invitation was taken back'],
	['expired', 'This invitation has expired']
])('says that an invitation is %s', async (state, words) => {
	answers['GET /v1/invitations/info'] = invitation(state);
	open();
	await expect.element(page.getByRole('heading', { name: words })).toBeVisible();
	expect(await faultsIn(document.body)).toEqual([]);
});

it('says that there is none, that the link is cut short, and that the server is away', async () => {
	answers['GET /v1/invitations/info'] = { status: 404, body: { code: 'not_found' } };
	open();
	await expect.element(page.getByText('There is no such invitation')).toBeVisible();
	cleanup();
	sessionStorage.clear();
	open(null, '', 'fr');
	await expect.element(page.getByText('Ce lien est incomplet')).toBeVisible();
	cleanup();
	answers['GET /v1/invitations/info'] = { status: 503, body: { code: 'unavailable' } };
	open();
	await expect.element(page.getByRole('button', { name: 'Try again' })).toBeVisible();
});
