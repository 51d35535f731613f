import { expect, it } from 'vitest';
import { actions } from '$lib/server/actions/index.ts';
import { createRouter, MethodNotAllowed } from './route.ts';

const route = createRouter(actions);
const ID = '0198a6c5-7d1e-4a7b-9c3d-2f4e6a8b0c1d';

it('finds an action by method and path, with the ids in small letters', () => {
	const { action, params } = route('PUT', `/events/${ID.toUpperCase()}/cancel`);
	expect(action.id).toBe('events.cancel');
	expect(params).toEqual({ id: ID });
	expect(route('HEAD', '/events').action.id).toBe('events.list');
});

it('takes a word where the address names something', () => {
	expect(route('POST', '/tasks/purge_expired/run').params).toEqual({ name: 'purge_expired' });
	expect(() => route('POST', `/tasks/${ID}/run`)).toThrow();
	expect(() => route('POST', '/tasks/Purge/run')).toThrow();
});

it('says which methods an address takes', () => {
	expect(() => route('PATCH', '/events')).toThrow(MethodNotAllowed);
	expect(() => route('PATCH', '/events')).toThrow(
		expect.objectContaining({ allow: 'GET, POST, HEAD' })
	);
});

for (const path of [
	'/',
	'/nothing',
	'/events/',
	'/events/7',
	`/events/{${ID}}`,
	`/events/${ID}x`,
	'/events/../me',
	'/EVENTS'
])
	it(`${path} is nowhere`, () => {
		expect(() => route('GET', path)).toThrow(expect.objectContaining({ code: 'not_found' }));
	});

it('knows every action once, by name and by address', () => {
	const names = actions.map(({ id }) => id);
	const addresses = actions.map(({ method, path }) => `${method} ${path}`);
	expect(new Set(names).size).toBe(names.length);
	expect(new Set(addresses).size).toBe(addresses.length);
});
