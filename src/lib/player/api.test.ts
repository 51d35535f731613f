import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { AppError } from '../bus/index.ts';
import { isFinal, KeyRefused, overlayApi } from './api.ts';
import { manualClock } from './clock.ts';
import { aState, id, ME, OVERLAY } from './sample.ts';

const undo: (() => void)[] = [];
afterEach(() => {
	for (const one of undo.splice(0)) one();
});

type Answer = [status: number, body: unknown] | 'hang';

async function aServer() {
	const asked: { path: string; bearer: string | undefined; body: unknown }[] = [];
	let sessions = 0;
	const answers: Record<string, Answer | ((bearer: string | undefined) => Answer)> = {
		session: () => [200, session(`token ${(sessions += 1)}`)]
	};
	const server = createServer(async (request, response) => {
		const path = (request.url ?? '').replace('/v1/overlay/', '');
		const body = await text(request);
		const bearer = request.headers.authorization?.replace('Bearer ', '');
		asked.push({ path, bearer, body: body === '' ? null : JSON.parse(body) });
		const entry = answers[path.split('?')[0] ?? ''] ?? [404, '<html>'];
		const answer = typeof entry === 'function' ? entry(bearer) : entry;
		if (answer === 'hang') return;
		response.writeHead(answer[0], { 'content-type': 'application/json' });
		response.end(JSON.stringify(answer[1]));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	undo.push(() => {
		server.closeAllConnections();
		server.close();
	});
	const clock = manualClock();
	const api = overlayApi({
		origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		key: 'ck_overlay_test',
		request: fetch,
		clock
	});
	return {
		asked,
		answers,
		api,
		clock,
		of: (path: string) => asked.filter((one) => one.path === path)
	};
}

const session = (token: string) => ({
	token,
	expires_in: 3_600,
	account_id: id('account'),
	overlay_id: OVERLAY,
	name: 'My alerts',
	revision: 1,
	document: {},
	realtime: { url: 'http://localhost', key: 'sb_publishable_test', topic: `overlay:${OVERLAY}` },
	server: { version: 'one' },
	added_later: true
});
const problem = (status: number, code: string): Answer => [status, { status, code, detail: code }];
const beat = {
	leads: true,
	leader_id: ME,
	lease_version: 1,
	lease_ms: 5_000,
	rev: 0,
	next_in_ms: 2_000
};

describe('the session', () => {
	test('is opened once for all who ask, and anew before it ends', async () => {
		const { api, asked, of, clock } = await aServer();
		expect(await Promise.all([api.token(), api.token()])).toEqual(['token 1', 'token 1']);
		expect(asked[0]).toEqual({
			path: 'session',
			bearer: undefined,
			body: { key: 'ck_overlay_test' }
		});
		clock.advance(3_600_000 * 0.75 - 1);
		expect(await api.token()).toBe('token 1');
		clock.advance(1);
		expect(await api.token()).toBe('token 2');
		expect(await api.token({ fresh: true })).toBe('token 3');
		expect(of('session')).toHaveLength(3);
	});

	test('a key that the server refuses is told apart from a server that is away', async () => {
		const { api, answers } = await aServer();
		answers.session = problem(401, 'unauthenticated');
		await expect(api.openSession()).rejects.toBeInstanceOf(KeyRefused);
		for (const away of [
			problem(503, 'unavailable'),
			problem(429, 'too_many_requests'),
			// Not our words: some proxy's, while the server is being replaced.
			[401, '<html>'] satisfies Answer,
			[404, { code: 'NotFound' }] satisfies Answer
		]) {
			answers.session = away;
			const error: unknown = await api.openSession().catch((thrown: unknown) => thrown);
			expect(error).toBeInstanceOf(AppError);
			expect(error).not.toBeInstanceOf(KeyRefused);
		}
	});
});

describe('calls', () => {
	test('carry the token and the cursor, and parse the answer', async () => {
		const { api, answers, asked } = await aServer();
		answers.state = [200, { ...aState({ rev: 3 }), added_later: true }];
		answers.claim = [200, { play: null }];
		expect(await api.pull(null, null)).toEqual(aState({ rev: 3 }));
		await api.pull('one', 12);
		expect(await api.claim(ME, 'main')).toEqual({ play: null });
		expect(asked.slice(1).map(({ path, bearer }) => [path, bearer])).toEqual([
			['state', 'token 1'],
			['state?epoch=one&cursor=12', 'token 1'],
			['claim', 'token 1']
		]);
	});

	test('refused for their token are repeated once with a new one', async () => {
		const { api, answers, of } = await aServer();
		answers.heartbeat = (bearer) =>
			bearer === 'token 1' ? problem(401, 'unauthenticated') : [200, beat];
		expect(await api.heartbeat(ME, true)).toEqual(beat);
		expect(of('heartbeat')).toHaveLength(2);
		answers.heartbeat = problem(401, 'unauthenticated');
		await expect(api.heartbeat(ME, true)).rejects.toMatchObject({ code: 'unauthenticated' });
		expect(of('heartbeat')).toHaveLength(4);
	});

	test('that hang are given up', async () => {
		const { api, answers, of, clock } = await aServer();
		await api.token();
		answers.heartbeat = 'hang';
		const call = api.heartbeat(ME, true).catch((error: unknown) => error);
		while (of('heartbeat').length === 0) await new Promise(setImmediate);
		clock.advance(4_000);
		expect(await call).toMatchObject({ code: 'unavailable' });
		expect(clock.pending).toBe(0);
	});

	test('answered with an unknown shape fail without taking the page down', async () => {
		const { api, answers } = await aServer();
		answers.state = [200, { rev: 'three' }];
		await expect(api.pull(null, null)).rejects.toMatchObject({ code: 'internal' });
	});
});

test.each([
	[new AppError('invalid_input', ''), true],
	[new AppError('not_found', ''), true],
	[new AppError('unauthenticated', ''), false],
	[new AppError('too_many_requests', ''), false],
	[new AppError('unavailable', ''), false],
	[new Error('network'), false]
])('%s is final: %s', (error, final) => {
	expect(isFinal(error)).toBe(final);
});
