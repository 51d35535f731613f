/**
 * The studio's connection to its account's topic, over the shared supervisor. Loaded apart from
 * the pages, so that they paint before the socket library has come.
 */
import type { LinkState as Carried } from '$lib/realtime/supervisor.ts';
import type { Api } from './api.ts';
import type { LinkHandlers, LinkState } from './live.svelte.ts';

const states: Record<Carried, LinkState> = {
	connecting: 'connecting',
	realtime: 'live',
	stream: 'slow',
	polling: 'slow'
};

/** The event stream knows a member by the session cookie; a bearer there is for programs' keys. */
const byCookie: typeof fetch = (address, init) => {
	const headers = new Headers(init?.headers);
	headers.delete('authorization');
	return fetch(address, { ...init, headers, credentials: 'same-origin' });
};

/** Opens it; rejects with an `ApiError` when the server gives no token. */
export async function openAccountLink(
	api: Pick<Api, 'realtimeGrant'>,
	handlers: LinkHandlers
): Promise<{ close(): void }> {
	const [{ connectTopic }, grant] = await Promise.all([
		import('$lib/realtime/supervisor.ts'),
		api.realtimeGrant()
	]);
	let first: string | null = grant.token;
	return connectTopic({
		url: grant.url,
		key: grant.key,
		topic: grant.topic,
		sseUrl: '/v1/stream',
		request: byCookie,
		token: async ({ fresh = false } = {}) => {
			const token = fresh ? null : first;
			first = null;
			return token ?? (await api.realtimeGrant()).token;
		},
		onMessage: handlers.onMessage,
		onNeedPull: handlers.onNeedPull,
		onState: (state) => handlers.onState(states[state])
	});
}
