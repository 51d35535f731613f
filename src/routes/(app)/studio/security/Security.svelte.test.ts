import { afterEach, expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import type { MyWaysIn } from '$lib/studio/security-calls.ts';
import { AT, uuid } from '$lib/studio/test-builders.ts';
import { given, testStage, type StageOptions } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Page from './+page.svelte';

vi.mock('$app/state', () => ({ page: { url: new URL('http://x.test/studio/security') } }));

const aSession = (n: number, is_current: boolean, user_agent: string) => ({
	...{ id: uuid(n), is_current, user_agent, address: '192.0.2.7' },
	...{ created_at: AT, last_used_at: AT }
});
const sessions = [
	aSession(30, false, 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1'),
	aSession(31, true, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0')
];
const uri = 'otpauth://totp/Cuelight:owner%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Cuelight';

afterEach(cleanup);
interface Scene extends StageOptions {
	mine?: Partial<MyWaysIn>;
	locale?: 'en' | 'fr';
	light?: 'dark' | 'light';
}
async function open({ mine = {}, answers = {}, locale = 'en', light = 'dark' }: Scene = {}) {
	const stage = testStage({
		answers: {
			'GET /v1/sign-in/mine': () => ({
				body: { has_password: true, has_totp: false, linked: [], passkeys: [], ...mine }
			}),
			'GET /v1/sign-in': () => ({
				body: { passkeys: true, providers: [{ name: 'twitch', title: 'Twitch' }] }
			}),
			'GET /v1/sessions': () => ({ body: { items: sessions } }),
			...answers
		}
	});
	await stage.studio.load();
	render(TestFrame, { part: given(Page, {}), studio: stage.studio, locale, light });
	return stage;
}
const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
const part = (name: string) => page.getByRole('region', { name });

it.each(['dark', 'light'] as const)('shows everything, this session first (%s)', async (light) => {
	await open({
		light,
		mine: {
			has_totp: true,
			passkeys: [{ id: uuid(40), name: 'Laptop', created_at: AT }],
			linked: [{ id: uuid(41), provider: 'twitch', linked_at: AT }]
		}
	});
	const first = part('Where you are signed in').getByRole('listitem').first();
	await expect.element(first).toHaveTextContent('Firefox · Linux');
	await expect.element(first).toHaveTextContent('this one');
	await expect.element(part('One-time codes')).toHaveTextContent('On');
	await expect.element(button('Unlink Twitch')).toBeEnabled();
	expect(await faultsIn(document.body)).toEqual([]);
});

it('changes the password; a wrong one is said where it was typed', async () => {
	let isRight = false;
	const call = 'POST /auth/change-password';
	const { asked } = await open({
		answers: {
			[call]: () =>
				isRight ? { body: {} } : { status: 400, body: { code: 'invalid_input', detail: 'Invalid' } }
		}
	});
	await button('Change password').click();
	await page.getByLabelText('Present password').fill('old enough');
	await page.getByLabelText('New password').fill('short');
	await button('Change password').click();
	await expect.element(page.getByText('At least 8 characters.', { exact: true })).toBeVisible();
	expect(asked(call)).toEqual([]);
	await page.getByLabelText('New password').fill('curtain up at nine');
	await button('Change password').click();
	await expect.element(part('Password')).toHaveTextContent('The present password is wrong.');
	expect(await faultsIn(document.body)).toEqual([]);
	isRight = true;
	await button('Change password').click();
	await expect.element(page.getByText('Your password is changed.')).toBeVisible();
	expect(asked(call).at(-1)).toEqual({
		...{ currentPassword: 'old enough', newPassword: 'curtain up at nine' },
		revokeOtherSessions: true
	});
});

it('sets up one-time codes: a picture, a proof, and recovery codes once', async () => {
	let isOn = false;
	const confirm = 'POST /auth/two-factor/verify-totp';
	const { asked } = await open({
		answers: {
			'GET /v1/sign-in/mine': () => ({
				body: { has_password: true, has_totp: isOn, linked: [], passkeys: [] }
			}),
			'POST /auth/two-factor/enable': () => ({
				body: { totpURI: uri, backupCodes: ['aaaaa-bbbbb', 'ccccc-ddddd'] }
			}),
			[confirm]: (body) => {
				isOn = (body as { code: string }).code === '123456';
				return isOn ? { body: {} } : { status: 401, body: { code: 'unauthenticated' } };
			}
		}
	});
	await button('Set up').click();
	await page.getByLabelText('Your password, to be sure').fill('curtain up');
	await button('Set up').click();
	const qr = page.getByRole('img', { name: /QR code/ });
	await expect.element(qr).toBeVisible();
	expect(qr.element().querySelector('path')?.getAttribute('d')?.length).toBeGreaterThan(1_000);
	expect(await faultsIn(document.body)).toEqual([]);
	const code = page.getByLabelText('2. Type the code');
	await code.fill('000 000');
	await button('Switch on').click();
	await expect.element(part('One-time codes')).toHaveTextContent('This code is wrong');
	await code.fill('123 456');
	await button('Switch on').click();
	await expect.element(page.getByText('ccccc-ddddd')).toBeVisible();
	expect(asked(confirm)).toEqual([{ code: '000000' }, { code: '123456' }]);
	await button('I have kept them').click();
	expect(page.getByText('ccccc-ddddd').elements()).toEqual([]);
});

it('ends one session, or all others', async () => {
	const { asked } = await open();
	await button('Sign out Safari · iPhone').click();
	await expect.poll(() => asked(`DELETE /v1/sessions/${uuid(30)}`)).toHaveLength(1);
	await button('Sign out everywhere else').click();
	await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out' }).click();
	await expect.poll(() => asked('DELETE /v1/sessions')).toEqual([{ keep_current: true }]);
});

it('without a password says why there are no codes, and keeps the only way in; in French', async () => {
	await open({
		locale: 'fr',
		mine: { has_password: false, linked: [{ id: uuid(41), provider: 'twitch', linked_at: AT }] }
	});
	await expect.element(part('Mot de passe')).toHaveTextContent('Vous vous connectez sans');
	await expect.element(button('Délier Twitch')).toBeDisabled();
	await expect.element(page.getByText('C’est votre seul accès')).toBeVisible();
	expect(await faultsIn(document.body)).toEqual([]);
});

it('asks for a younger sign-in where the server wants one', async () => {
	const call = 'POST /auth/unlink-account';
	await open({
		mine: { linked: [{ id: uuid(41), provider: 'twitch', linked_at: AT }] },
		answers: { [call]: () => ({ status: 403, body: { code: 'forbidden' } }) }
	});
	await button('Unlink Twitch').click();
	await expect.element(page.getByRole('link', { name: 'Sign in again' })).toBeVisible();
});
