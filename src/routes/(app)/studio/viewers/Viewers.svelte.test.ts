import { afterEach, describe, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { permissions } from '$lib/bus';
import { anEvent, AT, uuid } from '$lib/studio/test-builders.ts';
import { given, testStage, type StageOptions } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { Viewers } from '$lib/studio/viewers.svelte.ts';
import { everybody, type ViewerFilter } from '$lib/studio/viewers-filter.ts';
import { faultsIn } from '$lib/ui/test-axe.ts';
import ViewerName from '../ViewerName.svelte';
import Card from './Card.svelte';
import Search from './Search.svelte';
import ViewerList from './ViewerList.svelte';

const aViewer = (n: number) => ({
	id: uuid(n),
	platform: 'stage',
	platform_user_id: String(n),
	login: `ann${n}`,
	name: `Ann ${n}`,
	picture: null,
	first_seen_at: AT,
	last_seen_at: AT,
	followed_at: AT,
	subscription: { tier: 2000, is_gift: true, started_at: AT },
	roles: ['vip']
});
const card = {
	...aViewer(1),
	follow_history: [
		{ action: 'follow', at: AT },
		{ action: 'unfollow', at: '2026-10-02T10:00:00.000Z' },
		{ action: 'follow', at: '2026-10-01T10:00:00.000Z' }
	],
	subscriptions: [
		{
			tier: 2000,
			is_gift: true,
			gifter: { id: uuid(2), login: 'bo', name: 'Bo' },
			started_at: AT,
			ended_at: null
		}
	],
	role_history: [{ role: 'vip', granted_at: AT, revoked_at: null }],
	counts: { 'stage:raid': 3, 'stage:follower': 12 },
	last_events: [anEvent({ event_type: 'stage:raid' })]
};

afterEach(cleanup);
async function stageWith(options: StageOptions = {}) {
	const stage = testStage({
		answers: {
			'GET /v1/viewers': () => ({ body: { items: [aViewer(1), aViewer(2)], next_cursor: null } }),
			[`GET /v1/viewers/${uuid(1)}`]: () => ({ body: card })
		},
		...options
	});
	await stage.studio.load();
	return { ...stage, viewers: new Viewers(stage.studio.api) };
}

describe('the list of viewers', () => {
	const listOf = (viewers: Viewers, filter = everybody) =>
		given(ViewerList, { viewers, filter, selected: null, onclear: () => {} });

	it('shows who they are to the channel', async () => {
		const { studio, viewers } = await stageWith();
		await viewers.load(everybody);
		render(TestFrame, { part: listOf(viewers), studio });
		await expect
			.element(page.getByRole('link', { name: /Ann 1.*VIP.*Subscribed.*Follows/ }))
			.toBeVisible();
		await expect.element(page.getByText('That is everybody.')).toBeVisible();
		expect(await faultsIn(document.body)).toEqual([]);
	});

	it('reads on by itself when its end comes into sight', async () => {
		let asked = 0;
		const { studio, viewers } = await stageWith({
			answers: {
				'GET /v1/viewers': () => {
					asked += 1;
					return {
						body: { items: [aViewer(asked)], next_cursor: asked < 4 ? `at${asked}` : null }
					};
				}
			}
		});
		await viewers.load(everybody);
		render(TestFrame, { part: listOf(viewers), studio });
		await expect.element(page.getByText('Ann 4')).toBeVisible();
		expect(asked).toBe(4);
	});

	it('has words for nobody at all, for nobody found, and for trouble', async () => {
		const empty = await stageWith({
			answers: { 'GET /v1/viewers': () => ({ body: { items: [], next_cursor: null } }) }
		});
		await empty.viewers.load(everybody);
		render(TestFrame, { part: listOf(empty.viewers), studio: empty.studio });
		await expect.element(page.getByText('Nobody yet')).toBeVisible();
		cleanup();
		render(TestFrame, {
			part: listOf(empty.viewers, { ...everybody, search: 'x' }),
			studio: empty.studio
		});
		await expect.element(page.getByRole('button', { name: 'Clear search' })).toBeVisible();
		cleanup();
		const broken = await stageWith({
			answers: { 'GET /v1/viewers': () => ({ status: 503, body: { code: 'unavailable' } }) }
		});
		await broken.viewers.load(everybody);
		render(TestFrame, { part: listOf(broken.viewers), studio: broken.studio });
		await expect.element(page.getByRole('button', { name: 'Try again' })).toBeVisible();
	});
});

it('a search is one question, asked when the typist pauses', async () => {
	const { studio } = await stageWith();
	const chosen: ViewerFilter[] = [];
	render(TestFrame, {
		part: given(Search, {
			filter: everybody,
			onchange: (next: ViewerFilter) => chosen.push(next)
		}),
		studio
	});
	await page.getByLabelText('Search name').fill('ann');
	await expect.poll(() => chosen).toEqual([{ ...everybody, search: 'ann' }]);
	await page.getByLabelText('Role').selectOptions('vip');
	expect(chosen.at(-1)).toEqual({ ...everybody, role: 'vip' });
});

describe('a viewer’s card', () => {
	async function open(options: StageOptions = {}, locale: 'en' | 'fr' = 'en') {
		const stage = await stageWith(options);
		let closed = 0;
		await stage.viewers.open(uuid(1));
		render(TestFrame, {
			part: given(Card, { viewers: stage.viewers, onclose: () => (closed += 1) }),
			studio: stage.studio,
			locale
		});
		return { ...stage, closed: () => closed };
	}

	it('tells since when, what came before, how often, and what last', async () => {
		await open();
		await expect.element(page.getByText('Follows since Nov 20, 2026')).toBeVisible();
		await expect.element(page.getByText(/unfollowed/)).toBeVisible();
		await expect.element(page.getByText(/Tier 2 · a gift from Bo · since/)).toBeVisible();
		await expect.element(page.getByText(/VIP since/)).toBeVisible();
		await expect.element(page.getByText('12', { exact: true })).toBeVisible();
		await expect
			.element(page.getByRole('link', { name: /Raid/ }))
			.toHaveAttribute('href', `/studio/events?event=${anEvent().id}`);
		expect(await faultsIn(document.body)).toEqual([]);
	});

	it('erases the person after a question, and closes', async () => {
		const { asked, closed } = await open();
		await page.getByRole('button', { name: 'Erase this person' }).click();
		expect(asked(`DELETE /v1/viewers/${uuid(1)}`)).toEqual([]);
		await page.getByRole('button', { name: 'Erase for good' }).click();
		await expect.poll(closed).toBe(1);
		expect(asked(`DELETE /v1/viewers/${uuid(1)}`)).toHaveLength(1);
	});

	it('lets a moderator look and not erase', async () => {
		await open({ may: permissions.filter((one) => one !== 'events:delete') }, 'fr');
		await expect.element(page.getByText(/Suit depuis le/)).toBeVisible();
		expect(page.getByRole('button', { name: /Effacer/ }).elements()).toEqual([]);
	});
});

it('an event’s name leads to the card for those who may see it, and is plain text for others', async () => {
	const named = async (may: readonly string[]) => {
		const { studio } = await stageWith({ may });
		render(TestFrame, { part: given(ViewerName, { event: anEvent() }), studio });
		await expect.element(page.getByText('Ann')).toBeVisible();
		const links = page.getByRole('link', { name: 'Ann' }).elements().length;
		cleanup();
		return links;
	};
	expect(await named(permissions)).toBe(1);
	expect(await named(['events:read'])).toBe(0);
});
