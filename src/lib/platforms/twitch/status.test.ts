import { describe, expect, it } from 'vitest';
import { Draft } from '../../bus/index.ts';
import type { HttpAnswer } from '../call.ts';
import { findEventType } from '../catalog.ts';
import { status } from './status.ts';

const access = {
	...{ id: 'client', secret: null, access_token: 'token' },
	addresses: { api: 'https://api.test/helix' }
};
const now = new Date('2030-01-01T12:00:00Z');
const saying = (body: unknown, code = 200): HttpAnswer => ({
	...{ status: code, headers: {} },
	body: JSON.stringify(body)
});
const facts = {
	...{ stream_id: '4001', started_at: '2030-01-01T11:00:00.5Z', title: 'T' },
	...{ category: null, category_id: null, viewer_count: 1 }
};

describe('the streams of channels', () => {
	const call = status.streams(access, ['1', '2']);
	it('are asked for together', () => {
		expect(call.request).toMatchObject({
			url: 'https://api.test/helix/streams?first=100&user_id=1&user_id=2',
			headers: { authorization: 'Bearer token', 'client-id': 'client' }
		});
	});
	it('are those that are listed', () => {
		const stream = { id: '4001', user_id: '1', type: 'live', title: 'Slow\u0000', game_id: '7' };
		const more = { game_name: 'Art', viewer_count: 3, started_at: '2030-01-01T11:00:00Z' };
		expect(call.read(saying({ data: [{ ...stream, ...more }] }), now)).toEqual({
			ok: true,
			value: [
				{
					...{ channel_id: '1', stream_id: '4001', title: 'Slow\ufffd', viewer_count: 3 },
					...{ category: 'Art', category_id: '7', started_at: '2030-01-01T11:00:00Z' }
				}
			]
		});
		expect(call.read(saying({ data: [] }), now)).toEqual({ ok: true, value: [] });
	});
	it('are live though their names and numbers are missing or odd', () => {
		const odd = { user_id: '1', title: '', game_id: '', viewer_count: -1, started_at: 'soon' };
		const nothing = { title: null, category: null, category_id: null, viewer_count: null };
		expect(call.read(saying({ data: [odd] }), now)).toEqual({
			ok: true,
			value: [{ channel_id: '1', stream_id: null, started_at: null, ...nothing }]
		});
	});
	it('are not known when the answer is something else', () => {
		for (const answer of [saying({}), saying({ data: [{}] }), saying({ message: 'no' }, 503)])
			expect(call.read(answer, now).ok).toBe(false);
	});
});

it('categories come with a picture of one size', () => {
	const call = status.categories(access, ['7', '8']);
	expect(call.request.url).toBe('https://api.test/helix/games?id=7&id=8');
	const data = [
		{ id: '7', name: 'Art', box_art_url: 'https://cdn.test/7-{width}x{height}.jpg' },
		{ id: '8', name: 'Music', box_art_url: '' }
	];
	expect(call.read(saying({ data }), now)).toEqual({
		ok: true,
		value: [
			{ id: '7', name: 'Art', picture: 'https://cdn.test/7-144x192.jpg' },
			{ id: '8', name: 'Music', picture: null }
		]
	});
});

it('a stream that was found makes the events that its own messages would', () => {
	const begun = Draft.parse(status.onlineDraft('1', facts));
	const ended = Draft.parse(status.offlineDraft('1', facts, now));
	expect(begun).toMatchObject({ origin: 'poll', business_key: 'twitch:1:stream_online:4001' });
	expect(ended).toMatchObject({ origin: 'poll', business_key: 'twitch:1:stream_ended:4001' });
	for (const { event_type, data } of [begun, ended])
		expect(findEventType(event_type)?.data.safeParse(data).success).toBe(true);
	expect(status.onlineDraft('1', { ...facts, stream_id: null }).business_key).toBe(
		'twitch:1:stream_online:2030-01-01T11:00:00.000Z'
	);
});
