import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { uuid } from '$lib/studio/test-builders.ts';
import { given } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Setup from './+page.svelte';

const went = vi.hoisted((): string[] => []);
vi.mock('$app/navigation', () => ({ goto: async (address: string) => void went.push(address) }));

const made = {
	account_id: uuid(1),
	overlay_id: uuid(2),
	overlay_url: 'http://127.0.0.1:4517/overlay#ck_overlay_x',
	api_key: 'ck_api_x',
	webhook_url: 'http://127.0.0.1:4517/webhooks/stage'
};
let sent: unknown[] = [];
let answer = { status: 201, body: made as unknown };

beforeEach(() => {
	sent = [];
	went.length = 0;
	answer = { status: 201, body: made };
	sessionStorage.clear();
	vi.spyOn(window, 'fetch').mockImplementation(async (_address, init) => {
		sent.push(JSON.parse(String(init?.body)));
		return new Response(JSON.stringify(answer.body), { status: answer.status });
	});
});
afterEach(() => {
	vi.restoreAllMocks();
	cleanup();
	location.hash = '';
});
function open(token: string, locale: 'en' | 'fr' = 'en') {
	location.hash = token;
	render(TestFrame, { part: given(Setup, {}), locale });
}
async function fill(password = 'curtain up at eight') {
	await page.getByLabelText('Account name').fill('The Old Vic');
	await page.getByLabelText('E-mail').fill('owner@example.com');
	await page.getByLabelText('Password', { exact: true }).fill(password);
}
const submit = () => page.getByRole('button', { name: 'Open the studio' }).click();

describe('setup', () => {
	it('makes the account, keeps what is shown once, and goes to the studio', async () => {
		open('the-token');
		await fill();
		await expect.element(page.getByText('Strong')).toBeVisible();
		await submit();
		await expect.poll(() => went).toEqual(['/studio']);
		expect(sent).toEqual([
			{
				token: 'the-token',
				account: 'The Old Vic',
				email: 'owner@example.com',
				password: 'curtain up at eight'
			}
		]);
		expect(sessionStorage.getItem('cuelight.shown-once.welcome')).toContain('ck_api_x');
	});

	it('sends nothing that it can see is wrong, and says what', async () => {
		open('the-token');
		await fill('short');
		await page.getByLabelText('E-mail').fill('owner');
		await submit();
		await expect.element(page.getByText('This is not an e-mail address.')).toBeVisible();
		await expect.element(page.getByText('At least 8 characters.', { exact: true })).toBeVisible();
		await expect.element(page.getByLabelText('E-mail')).toHaveFocus();
		expect(sent).toEqual([]);
		expect(await faultsIn(document.body)).toEqual([]);
	});

	it('shows the password only when asked to', async () => {
		open('the-token');
		const field = page.getByLabelText('Password', { exact: true });
		await expect.element(field).toHaveAttribute('type', 'password');
		await page.getByRole('button', { name: 'Show' }).click();
		await expect.element(field).toHaveAttribute('type', 'text');
	});

	it('says that the link is cut short, in French too', async () => {
		open('', 'fr');
		await expect.element(page.getByText('Le jeton d’installation manque')).toBeVisible();
		await expect.element(page.getByRole('button', { name: 'Ouvrir le studio' })).toBeDisabled();
		expect(await faultsIn(document.body)).toEqual([]);
	});

	it.each([
		[403, 'forbidden', 'This is not the link that this server printed.'],
		[410, 'gone', 'Cuelight is already set up.'],
		[503, 'unavailable', 'The database cannot be reached for the moment.']
	])('tells a refusal with %i in plain words', async (status, code, words) => {
		answer = { status, body: { code } };
		open('the-token');
		await fill();
		await submit();
		await expect.element(page.getByText(words)).toBeVisible();
		expect(went).toEqual([]);
	});
});
