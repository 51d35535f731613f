import { describe, expect, it } from 'vitest';
import { Api, ApiError, type ApiOptions } from './api.ts';
import { aQueue, uuid } from './test-builders.ts';

interface Call {
	method: string;
	path: string;
	body: unknown;
}

function server(answer: () => Response | Promise<Response>, options: ApiOptions = {}) {
	const calls: Call[] = [];
	const api = new Api({
		...options,
		fetch: async (path, init) => {
			const body = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined;
			calls.push({ method: init?.method ?? 'GET', path: String(path), body });
			return answer();
		}
	});
	return { api, calls };
}
const json = (body: unknown, status = 200) =>
	new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
const refused = (api: Promise<unknown>): Promise<ApiError> =>
	api.then(
		() => Promise.reject(new Error('was not refused')),
		(error: unknown) => (error instanceof ApiError ? error : Promise.reject(error))
	);

describe('the api', () => {
	it('asks again what an ending session refused while another one began', async () => {
		let isSignedOut = false;
		let begin = (_: Response) => {};
		const begun = new Promise<Response>((resolve) => (begin = resolve));
		const answers = [json({ code: 'unauthenticated' }, 401), begun, json(aQueue())];
		const { api, calls } = server(() => answers.shift() ?? json({}, 500), {
			onSignedOut: () => (isSignedOut = true)
		});
		const queue = api.queue();
		// The call is on its way when the password is changed.
		await Promise.resolve();
		const change = api.security.changePassword('old', 'new', true);
		begin(json({}));
		await change;
		expect(await queue).toEqual(aQueue());
		expect(calls.map(({ path }) => path)).toEqual([
			'/v1/queue',
			'/auth/change-password',
			'/v1/queue'
		]);
		expect(isSignedOut).toBe(false);
	});

	it('does not take a wrong code for the end of the session', async () => {
		let isSignedOut = false;
		const { api } = server(() => json({ code: 'unauthenticated' }, 401), {
			onSignedOut: () => (isSignedOut = true)
		});
		expect((await refused(api.security.confirmTotp('000000'))).code).toBe('unauthenticated');
		expect(isSignedOut).toBe(false);
		await refused(api.queue());
		expect(isSignedOut).toBe(true);
	});

	it('parses what it is answered', async () => {
		const { api, calls } = server(() => json(aQueue()));
		expect(await api.queue()).toEqual(aQueue());
		expect(calls).toEqual([{ method: 'GET', path: '/v1/queue', body: undefined }]);
	});

	it('reads lists with and without an envelope', async () => {
		const overlay = { id: uuid(2), name: 'My alerts', width: 1920, height: 1080 };
		expect(await server(() => json([overlay])).api.overlays()).toEqual([overlay]);
		expect(await server(() => json({ items: [overlay] })).api.overlays()).toEqual([overlay]);
	});

	it('leaves out what was not chosen', async () => {
		const { api, calls } = server(() => json({}));
		await api.pause(null);
		await api.pause(uuid(2));
		await api.skip(uuid(2), null);
		await api.replay(uuid(3), null);
		expect(calls.map(({ body }) => body)).toEqual([
			{},
			{ overlay_id: uuid(2) },
			{ overlay_id: uuid(2) },
			{}
		]);
	});

	it('tells a refusal by the code, the words and the request id of its problem document', async () => {
		const problem = {
			type: 'about:blank',
			title: 'The state does not allow this',
			status: 409,
			code: 'conflict',
			detail: 'Event 7 may not be replayed.',
			issues: [{ path: 'id', message: 'is final' }],
			instance: 'r-1'
		};
		expect(await refused(server(() => json(problem, 409)).api.queue())).toMatchObject({
			code: 'conflict',
			detail: 'Event 7 may not be replayed.',
			issues: problem.issues,
			requestId: 'r-1'
		});
	});

	it.each([
		['a proxy’s page with 503', new Response('<h1>Bad</h1>', { status: 503 }), 'unavailable'],
		['502', new Response('', { status: 502 }), 'unavailable'],
		['a code of tomorrow', json({ code: 'teapot' }, 409), 'conflict'],
		['an answer of another shape', json({ epoch: 7 }), 'unreadable'],
		['an answer that is no JSON', new Response('hello'), 'unreadable']
	])('makes a known fault of %s', async (_, response, code) => {
		expect((await refused(server(() => response).api.queue())).code).toBe(code);
	});

	it('says that the server cannot be reached', async () => {
		const { api } = server(() => Promise.reject(new TypeError('fetch failed')));
		expect((await refused(api.queue())).code).toBe('unreachable');
	});

	it('tells that the session has ended', async () => {
		let told = 0;
		const { api } = server(() => json({ code: 'unauthenticated' }, 401), {
			onSignedOut: () => (told += 1)
		});
		await refused(api.queue());
		expect(told).toBe(1);
	});
});
