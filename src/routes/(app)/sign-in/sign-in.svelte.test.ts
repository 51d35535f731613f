import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { given } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import SignIn from './+page.svelte';

const { went, address } = vi.hoisted(() => ({
	went: [] as string[],
	address: { page: { url: new URL('http://x.test/sign-in') } }
}));
vi.mock('$app/navigation', () => ({ goto: async (to: string) => void went.push(to) }));
vi.mock('$app/state', () => address);

type Answer = { status?: number; body: unknown; headers?: Record<string, string> };
let answers: Record<string, Answer>;
let sent: { call: string; body: unknown }[] = [];

beforeEach(() => {
	sent = [];
	went.length = 0;
	address.page.url = new URL('http://x.test/sign-in');
	answers = {
		'GET /v1/sign-in': {
			body: { passkeys: true, providers: [{ name: 'twitch', title: 'Twitch' }] }
		},
		'POST /auth/sign-in/email': { body: {} }
	};
	vi.spyOn(window, 'fetch').mockImplementation(async (to, init) => {
		const call = `${init?.method ?? 'GET'} ${String(to).split('?')[0]}`;
		sent.push({ call, body: init?.body ? JSON.parse(String(init.body)) : undefined });
		const { status = 200, body, headers } = answers[call] ?? { body: {} };
		return new Response(JSON.stringify(body), { status, headers });
	});
});
afterEach(() => {
	vi.restoreAllMocks();
	cleanup();
});
const open = (locale: 'en' | 'fr' = 'en') => render(TestFrame, { part: given(SignIn, {}), locale });
async function enter() {
	await page.getByLabelText('E-mail').fill('mara@example.com');
	await page.getByLabelText('Password', { exact: true }).fill('curtain up');
	await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}
const asked = (call: string) => sent.filter((one) => one.call === call).map(({ body }) => body);

it('goes where it was asked to, and offers what the server knows', async () => {
	address.page.url = new URL('http://x.test/sign-in?next=/studio/events');
	open();
	await expect.element(page.getByRole('button', { name: 'Sign in with Twitch' })).toBeVisible();
	expect(await faultsIn(document.body)).toEqual([]);
	await enter();
	await expect.poll(() => went).toEqual(['/studio/events']);
});

it('asks for the code, tells a wrong one, and takes a recovery code', async () => {
	answers['POST /auth/sign-in/email'] = { body: { twoFactorRedirect: true } };
	const totp = 'POST /auth/two-factor/verify-totp';
	answers[totp] = { status: 401, body: { code: 'unauthenticated', detail: 'Invalid code' } };
	open();
	await enter();
	const code = page.getByLabelText('Code', { exact: true });
	await expect.element(code).toHaveFocus();
	await code.fill('123 456');
	await page.getByRole('button', { name: 'Go on' }).click();
	await expect.element(page.getByText('This code is wrong')).toBeVisible();
	expect(asked(totp)).toEqual([{ code: '123456', trustDevice: false }]);
	expect(await faultsIn(document.body)).toEqual([]);
	await page.getByRole('button', { name: /Use a recovery code/ }).click();
	await page.getByLabelText('Recovery code').fill('aaaaa-bbbbb');
	await page.getByLabelText(/Do not ask for codes/).click();
	await page.getByRole('button', { name: 'Go on' }).click();
	await expect.poll(() => went).toEqual(['/studio']);
	expect(asked('POST /auth/two-factor/verify-backup-code')).toEqual([
		{ code: 'aaaaa-bbbbb', trustDevice: true }
	]);
});

it('begins again when the server has thrown the attempt away', async () => {
	answers['POST /auth/sign-in/email'] = { body: { twoFactorRedirect: true } };
	answers['POST /auth/two-factor/verify-totp'] = { status: 400, body: { code: 'invalid_input' } };
	open();
	await enter();
	await page.getByLabelText('Code', { exact: true }).fill('123456');
	await page.getByRole('button', { name: 'Go on' }).click();
	await expect.element(page.getByText('Too many wrong codes')).toBeVisible();
	await expect.element(page.getByLabelText('Password', { exact: true })).toHaveValue('');
});

it('tells how long it is locked', async () => {
	answers['POST /auth/sign-in/email'] = {
		...{ status: 429, body: { code: 'too_many_requests' }, headers: { 'retry-after': '840' } }
	};
	open();
	await enter();
	await expect.element(page.getByRole('alert')).toHaveTextContent(/Try again in 14 min/);
	expect(await faultsIn(document.body)).toEqual([]);
});

it('tells why a provider sent one back, in French', async () => {
	address.page.url = new URL('http://x.test/sign-in?error=signup_disabled');
	open('fr');
	await expect.element(page.getByText(/Personne ici ne se connecte ainsi/)).toBeVisible();
});

it('tells that a password is wrong', async () => {
	answers['POST /auth/sign-in/email'] = { status: 401, body: { code: 'unauthenticated' } };
	open();
	await enter();
	await expect.element(page.getByText('E-mail or password is wrong.')).toBeVisible();
	expect(went).toEqual([]);
});
