/** Who belongs and how they sign in: an invitation from link to removal, one-time codes, a passkey. */
import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from '@playwright/test';
import { createHmac } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { expect, owner, test, type Stage } from './product.ts';

const artefacts = 'artefacts/e2e-pictures';
mkdirSync(artefacts, { recursive: true });
const PASSWORD = 'a fine horse in the wings';

async function expectAccessible(page: Page): Promise<void> {
	const { violations } = await new AxeBuilder({ page })
		.withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
		.analyze();
	expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}
const open = async (browser: Browser, options = {}): Promise<Page> =>
	(await browser.newContext({ locale: 'en-GB', ...options })).newPage();

async function signIn(page: Page, origin: string, { email, password } = owner): Promise<void> {
	await page.goto(`${origin}/sign-in`);
	await page.getByLabel('E-mail').fill(email);
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}
const inStudio = (page: Page) => page.waitForURL('**/studio');

/** What a page's button calls, with the page's own session. */
const send = (page: Page, path: string, body: unknown): Promise<{ secret: string }> =>
	page.evaluate(
		async ([to, text]) =>
			(
				await fetch(to, {
					method: 'POST',
					headers: { 'content-type': 'application/json' },
					body: text
				})
			).json() as Promise<{ secret: string }>,
		[path, JSON.stringify(body)] as const
	);

/** Somebody new, signed in as a member of the account. */
async function join(browser: Browser, stage: Stage, email: string): Promise<Page> {
	const host = await open(browser);
	await signIn(host, stage.product.origin);
	await inStudio(host);
	const { secret } = await send(host, '/v1/invitations', { role: 'administrator' });
	await host.context().close();
	const guest = await open(browser);
	await guest.goto(`${stage.product.origin}/join`);
	const sign_up = { name: 'Quill', email, password: PASSWORD };
	await send(guest, '/v1/invitations/accept', { secret, sign_up });
	return guest;
}

/** RFC 6238 with SHA-1, thirty seconds and six digits, of a base32 key. */
function codeOf(key: string, at = Date.now()): string {
	const bits = [...key]
		.map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
		.join('');
	const secret = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
	const hash = createHmac('sha1', secret).update(counter).digest();
	const offset = (hash.at(-1) ?? 0) & 15;
	return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

test('a moderator is invited, works within their role, and loses the studio when removed', async ({
	browser,
	stage
}) => {
	const host = await open(browser, { colorScheme: 'dark' });
	await signIn(host, stage.product.origin);
	await inStudio(host);
	await host.getByRole('link', { name: 'Members', exact: true }).click();
	await expect(host.getByText('You are alone here')).toBeVisible();
	await expect(host.getByText('You are the only owner')).toBeVisible();
	await host.getByRole('button', { name: 'Invite somebody' }).click();
	await host.getByLabel('Whom it is for').fill('Mara');
	await host.getByRole('button', { name: 'Make link' }).click();
	await host.getByRole('button', { name: 'Show: Invitation link' }).click();
	const link = (await host.locator('code', { hasText: '/join#' }).textContent()) ?? '';
	await expectAccessible(host);
	await host.screenshot({ path: `${artefacts}/people-invited.png` });

	const guest = await open(browser, { viewport: { width: 390, height: 844 }, hasTouch: true });
	await guest.goto(link);
	await expect(guest.getByText('You are invited to The Old Vic as Moderator.')).toBeVisible();
	await expectAccessible(guest);
	await guest.screenshot({ path: `${artefacts}/join-phone.png`, fullPage: true });
	await guest.getByLabel('Your name').fill('Mara');
	await guest.getByLabel('E-mail').fill('mara@example.com');
	await guest.getByLabel('Password', { exact: true }).fill(PASSWORD);
	await guest.getByRole('button', { name: 'Make my sign-in and join' }).click();
	await inStudio(guest);
	await guest.goto(`${stage.product.origin}/studio/people`);
	await expect(guest.getByText('Your role does not show who else is here')).toBeVisible();
	await expect(guest.getByRole('button', { name: 'Invite somebody' })).toHaveCount(0);
	const members = () => guest.evaluate(async () => (await fetch('/v1/members')).status);
	expect(await members()).toBe(403);
	await guest.goto(`${stage.product.origin}/studio`);
	await expect(guest.getByRole('button', { name: 'Send test alert' })).toBeVisible();
	await expect(guest.getByText('Live').first()).toBeVisible();

	await host.getByRole('button', { name: 'I have it' }).click();
	await host.reload();
	await expect(host.getByRole('heading', { name: 'Mara' })).toBeVisible();
	await host.getByLabel('Role of Mara').selectOption('administrator');
	await host.getByRole('button', { name: 'Change role' }).click();
	// What the guest may do changes under their hands.
	await expect.poll(members).toBe(200);
	await host.screenshot({ path: `${artefacts}/people.png`, fullPage: true });
	await host.getByRole('button', { name: 'Remove Mara' }).click();
	await host.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
	await expect(
		guest.getByRole('heading', { name: 'You are not a member of The Old Vic any more' })
	).toBeVisible();
	await guest.screenshot({ path: `${artefacts}/gone-phone.png` });
	expect(await guest.evaluate(async () => (await fetch('/v1/events')).status)).toBe(403);

	const late = await open(browser);
	await late.goto(link);
	await expect(late.getByRole('heading', { name: 'This invitation was used' })).toBeVisible();
	for (const page of [host, guest, late]) await page.context().close();
});

test('one-time codes are set up, asked for, and recovered from', async ({ browser, stage }) => {
	const person = { email: 'quill@example.com', password: PASSWORD };
	const page = await join(browser, stage, person.email);
	await page.goto(`${stage.product.origin}/studio/security`);
	await page.getByRole('button', { name: 'Set up' }).click();
	await page.getByLabel('Your password, to be sure').fill(person.password);
	await page.getByRole('button', { name: 'Set up' }).click();
	await page.getByRole('button', { name: 'Show: Or type this key' }).click();
	const key = (await page.locator('code').textContent()) ?? '';
	await expect(page.getByRole('img', { name: 'QR code' })).toBeVisible();
	await expectAccessible(page);
	await page.screenshot({ path: `${artefacts}/security-totp.png`, fullPage: true });
	await page.getByLabel('2. Type the code').fill(codeOf(key));
	await page.getByRole('button', { name: 'Switch on' }).click();
	const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
	await expect(codes).toHaveCount(10);
	const recovery = (await codes.first().textContent()) ?? '';
	await page.getByRole('button', { name: 'I have kept them' }).click();
	await expect(codes).toHaveCount(0);

	const phone = await open(browser, { viewport: { width: 390, height: 844 }, hasTouch: true });
	await signIn(phone, stage.product.origin, person);
	await phone
		.getByLabel('Code', { exact: true })
		.fill(codeOf(key) === '000000' ? '000001' : '000000');
	await phone.getByRole('button', { name: 'Go on' }).click();
	await expect(phone.getByText('This code is wrong')).toBeVisible();
	await phone.screenshot({ path: `${artefacts}/sign-in-code-phone.png` });
	await phone.getByLabel('Code', { exact: true }).fill(codeOf(key));
	await phone.getByRole('button', { name: 'Go on' }).click();
	await inStudio(phone);

	const lost = await open(browser);
	await signIn(lost, stage.product.origin, person);
	await lost.getByRole('button', { name: 'Use a recovery code' }).click();
	await lost.getByLabel('Recovery code').fill(recovery);
	await lost.getByRole('button', { name: 'Go on' }).click();
	await inStudio(lost);

	// Three places; the first one signs the others out.
	await page.reload();
	await expect(page.getByText('this one')).toBeVisible();
	await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
	await page.getByRole('alertdialog').getByRole('button', { name: 'Sign out' }).click();
	await expect(page.getByText('You are signed in nowhere else.')).toBeVisible();
	await phone.waitForURL('**/sign-in*');
	for (const each of [page, phone, lost]) await each.context().close();
});

test('a passkey is added, named, signs in, and is removed', async ({ browser, stage }) => {
	const page = await open(browser);
	const devtools = await page.context().newCDPSession(page);
	await devtools.send('WebAuthn.enable');
	await devtools.send('WebAuthn.addVirtualAuthenticator', {
		options: {
			...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true },
			...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true }
		}
	});
	const origin = stage.product.origin.replace('127.0.0.1', 'localhost');
	await signIn(page, origin);
	await inStudio(page);
	await page.goto(`${origin}/studio/security`);
	await page.getByRole('button', { name: 'Add passkey' }).click();
	await page.getByLabel('Its name').fill('Laptop');
	await page.getByRole('button', { name: 'Add passkey' }).click();
	await page.getByRole('button', { name: 'Rename Laptop' }).click();
	await page.getByLabel('New name of Laptop').fill('Stage laptop');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByText('Stage laptop')).toBeVisible();
	await expectAccessible(page);
	await page.screenshot({ path: `${artefacts}/security.png`, fullPage: true });

	await page.context().clearCookies();
	await page.goto(`${origin}/sign-in`);
	await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
	await inStudio(page);

	await page.goto(`${origin}/studio/security`);
	await page.getByRole('button', { name: 'Remove Stage laptop' }).click();
	await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
	await expect(page.getByText('No passkey yet.')).toBeVisible();
	await page.context().clearCookies();
	await page.goto(`${origin}/sign-in`);
	await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
	await expect(page.getByText('This passkey does not belong to a sign-in here.')).toBeVisible();
	await page.screenshot({ path: `${artefacts}/sign-in.png` });
	await page.context().close();
});
