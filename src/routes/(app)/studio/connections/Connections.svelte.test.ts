import { afterEach, describe, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { permissions } from '$lib/bus';
import type {
	Authorization,
	ConnectablePlatform,
	Connection,
	SourceReport
} from '$lib/studio/source-answers.ts';
import {
	aConnection,
	aPlatform,
	aReport,
	aSubscription,
	CONNECTION
} from '$lib/studio/source-test-builders.ts';
import { AT, statusMessage } from '$lib/studio/test-builders.ts';
import { given, testStage, type StageOptions } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Page from './+page.svelte';

const at = {
	platforms: 'GET /v1/platforms',
	connections: 'GET /v1/connections',
	source: `GET /v1/connections/${CONNECTION}/source`,
	change: `PUT /v1/connections/${CONNECTION}`
};

let stop = () => {};
afterEach(() => {
	stop();
	cleanup();
});
interface Scene extends StageOptions {
	platform?: ConnectablePlatform;
	connections?: Connection[];
	report?: SourceReport;
	frame?: { locale?: 'en' | 'fr'; light?: 'dark' | 'light' };
}
/** What the server says may be changed while the page is open. */
function open({ frame = {}, answers = {}, may = permissions, ...scene }: Scene = {}) {
	const says = { platform: aPlatform(), connections: [aConnection()], report: aReport(), ...scene };
	const stage = testStage({
		may,
		answers: {
			[at.platforms]: () => ({ body: { items: [says.platform] } }),
			[at.connections]: () => ({ body: { items: says.connections } }),
			[at.source]: () => ({ body: says.report }),
			...answers
		}
	});
	stop = stage.studio.start();
	render(TestFrame, { part: given(Page, {}), studio: stage.studio, ...frame });
	return { ...stage, says };
}
const text = (words: string | RegExp) => expect.element(page.getByText(words)).toBeVisible();
const button = (name: string | RegExp) => page.getByRole('button', { name });

describe('a platform without an application', () => {
	it('shows how to make one, takes its id and secret, and forgets the secret', async () => {
		const { asked } = open({
			platform: aPlatform({ is_configured: false, client_id: null }),
			connections: []
		});
		await text('https://studio.example/connect/stage/callback');
		await page.getByLabelText('Client ID').fill(' my-client ');
		await page.getByLabelText('Client secret').fill('my-secret');
		await button('Save application').click();
		await expect
			.poll(() => asked('PUT /v1/platforms/stage/client'))
			.toEqual([{ client_id: 'my-client', client_secret: 'my-secret' }]);
		await expect.element(page.getByLabelText('Client secret')).toHaveValue('');
		expect(await faultsIn(document.body)).toEqual([]);
	});

	it('tells a moderator whom to ask', async () => {
		open({
			platform: aPlatform({ is_configured: false }),
			connections: [],
			may: ['connections:read']
		});
		await text('Ask an owner or administrator of this account to set it up.');
		expect(button('Save application').elements()).toEqual([]);
	});
});

describe('connecting', () => {
	it('shows the consents of each choice, the usual ones chosen', async () => {
		open({ connections: [] });
		await expect.element(page.getByRole('checkbox', { name: /Follows/ })).toBeChecked();
		await expect.element(page.getByRole('checkbox', { name: /Chat/ })).not.toBeChecked();
		await text('read:chat');
		await text('no consent needed');
		expect(await faultsIn(document.body)).toEqual([]);
	});

	it('by code: says so when the server refuses', async () => {
		const { asked } = open({
			connections: [],
			answers: {
				'POST /v1/connections/authorize': () => ({ status: 503, body: { code: 'unavailable' } })
			}
		});
		await page.getByRole('checkbox', { name: /Chat/ }).click();
		await button('Connect Stage').click();
		await expect
			.poll(() => asked('POST /v1/connections/authorize'))
			.toEqual([{ platform: 'stage', flow: 'code', groups: ['follows', 'raids', 'chat'] }]);
		await expect.element(page.getByRole('alert')).toBeVisible();
	});

	it('by device: a big code, then the channel the moment it was allowed', async () => {
		let answer: Authorization = { status: 'pending', reason: null };
		const { says } = open({
			connections: [],
			answers: {
				'POST /v1/connections/authorize': () => ({
					body: {
						id: 'abc',
						flow: 'device',
						url: null,
						user_code: 'WXYZ-1234',
						verification_uri: 'https://stage.example/activate',
						expires_at: new Date(Date.now() + 600_000).toISOString(),
						interval_s: 5
					}
				}),
				'GET /v1/connections/authorize/abc': () => ({ body: answer })
			}
		});
		await button('Connect with a code').click();
		await text('WXYZ-1234');
		await expect
			.element(page.getByRole('link', { name: 'Open Stage' }))
			.toHaveAttribute('href', 'https://stage.example/activate');
		await expect.element(page.getByRole('timer')).toHaveTextContent(/Good for (10:00|9:5\d)/);
		expect(await faultsIn(document.body)).toEqual([]);
		answer = { status: 'connected', reason: null };
		says.connections = [aConnection()];
		await expect.element(page.getByRole('heading', { name: 'OldVic' })).toBeVisible();
	});

	it('by device: a code that was declined can be had anew', async () => {
		const { asked } = open({
			connections: [],
			answers: {
				'POST /v1/connections/authorize': () => ({
					body: {
						id: 'abc',
						flow: 'device',
						url: null,
						user_code: 'WXYZ-1234',
						verification_uri: null,
						expires_at: AT,
						interval_s: 5
					}
				}),
				'GET /v1/connections/authorize/abc': () => ({
					body: { status: 'denied', reason: 'They said no.' }
				})
			}
		});
		await button('Connect with a code').click();
		await text('It was declined on the platform.');
		await text('They said no.');
		await button('Get a new code').click();
		await expect.poll(() => asked('POST /v1/connections/authorize')).toHaveLength(2);
	});
});

describe.each(['dark', 'light'] as const)('a connected channel, lights %s', (light) => {
	it('is faultless for axe, with trouble shown in words', async () => {
		open({
			frame: { light },
			report: aReport({
				state: 'problem',
				subscriptions: [
					aSubscription({ status: 'failed', reason: 'forbidden', last_poll_agreed: false })
				],
				problems: [{ code: 'subscription_failed', text: 'x', way_out: 'y', since: AT }]
			})
		});
		await text('The platform refused some subscriptions.');
		expect(await faultsIn(document.body)).toEqual([]);
	});
});

describe('a connected channel', () => {
	it('proves how reliably events came', async () => {
		open();
		await text('412 received; 2 the line had missed and Cuelight found in the lists.');
		await text('99.52%');
		await text('2 types, all working');
		await text('1 of 10 used');
		await text('found 2 missed');
	});

	it('follows what happens to it: the line falls, the lists take over, the line is back', async () => {
		const { says, say } = open();
		await text('Events arrive the moment they happen.');
		says.report = aReport({
			state: 'polling',
			problems: [{ code: 'socket_lost', text: 'Cut. (1006)', way_out: 'Wait.', since: AT }]
		});
		say(statusMessage({}, { subject: 'source' }));
		await text('Asking instead');
		await text('The line to the platform is cut; it is tried again by itself.');
		await text('1006');
		says.report = aReport();
		say(statusMessage({}, { subject: 'source' }));
		await text('Events arrive the moment they happen.');
		expect(page.getByText('Asking instead').elements()).toEqual([]);
	});

	it('tells a problem that the dictionary does not know in the server’s words', async () => {
		open({
			report: aReport({
				problems: [{ code: 'new_one', text: 'Something new.', way_out: 'Do this.', since: AT }]
			})
		});
		await text('Something new.');
		await text('Do this.');
	});

	it('asks again for what was declined', async () => {
		const { asked } = open({ connections: [aConnection({ scopes: [] })] });
		await text('Consent is missing for Follows');
		await button('Ask again').click();
		await expect
			.poll(() => asked('POST /v1/connections/authorize'))
			.toEqual([
				{ platform: 'stage', flow: 'code', groups: ['follows', 'raids'], mode: 'websocket' }
			]);
	});

	it('says why the consent ended, and leads back', async () => {
		open({
			connections: [
				aConnection({ status: 'reconnect_needed', status_reason: 'authorization revoked' })
			]
		});
		await text('Stage no longer lets Cuelight in');
		await text('Stage says: authorization revoked');
		await expect.element(button('Connect again')).toBeVisible();
		expect(await faultsIn(document.body)).toEqual([]);
	});

	it('changes the way events come, and what comes where no new consent is needed', async () => {
		const { asked } = open();
		await page.getByRole('radio', { name: /Webhook/ }).click();
		await expect.poll(() => asked(at.change)).toEqual([{ mode: 'webhook' }]);
		await button('Change').nth(0).click();
		await page.getByRole('checkbox', { name: /Raids/ }).click();
		await button('Save choice').click();
		await expect.poll(() => asked(at.change)).toContainEqual({ groups: ['follows'] });
	});

	it('is checked on demand, and disconnected after a question', async () => {
		const { asked } = open({
			answers: { [`POST /v1/connections/${CONNECTION}/reconcile`]: () => ({ body: aReport() }) }
		});
		await button('Check now').click();
		await text('Checked: everything is as it should be.');
		await button('Disconnect').click();
		expect(asked(`DELETE /v1/connections/${CONNECTION}`)).toEqual([]);
		await page.getByRole('alertdialog').getByRole('button', { name: 'Disconnect' }).click();
		await expect.poll(() => asked(`DELETE /v1/connections/${CONNECTION}`)).toHaveLength(1);
	});

	it('may be looked at by a moderator, and not touched', async () => {
		open({ may: ['connections:read'] });
		await expect.element(page.getByRole('radio', { name: /Webhook/ })).toBeDisabled();
		expect(button('Disconnect').elements()).toEqual([]);
	});

	it('speaks French', async () => {
		open({ frame: { locale: 'fr' } });
		await text('412 reçus ; la ligne en a manqué 2, que Cuelight a retrouvés dans les listes.');
	});
});

it('a channel by webhook secret stays beside the way to connect it properly', async () => {
	const { asked } = open({ connections: [aConnection({ login: null, mode: 'webhook' })] });
	await text(/by webhook secret/);
	await expect.element(button('Connect Stage')).toBeVisible();
	expect(asked(at.source)).toEqual([]);
	await page.getByText('Advanced: a webhook secret by hand').click();
	await expect.element(page.getByLabelText('Channel id')).toBeVisible();
});
