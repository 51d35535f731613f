/**
 * A studio without a server, for tests of its parts: a handful of addresses answered from memory,
 * a record of what was asked, and a link whose messages are said by hand.
 */
import type { Component } from 'svelte';
import type { BusMessage } from '$lib/bus';
import { permissions } from '$lib/bus';
import { Api } from './api.ts';
import type { QueueAnswer } from './answers.ts';
import type { LinkHandlers } from './live.svelte.ts';
import { Secrets } from './secrets.ts';
import { Studio } from './studio.svelte.ts';
import { ACCOUNT, anEvent, aQueue, OVERLAY, uuid } from './test-builders.ts';

export type Answer = { status?: number; body: unknown };

const eventTypes = [
	{ type: 'stage:follower', class: 'alert', title: 'Follow', platform: 'stage' },
	{ type: 'stage:raid', class: 'alert', title: 'Raid', platform: 'stage' },
	{ type: 'stage:counter', class: 'data', title: 'Counter', platform: 'stage' }
];

export interface StageOptions {
	queue?: QueueAnswer;
	may?: readonly string[];
	/** More addresses, as `POST /v1/keys`; they come first. */
	answers?: Record<string, (body: unknown) => Answer>;
}

export function testStage({
	queue = aQueue(),
	may = permissions,
	answers = {}
}: StageOptions = {}) {
	const calls: { call: string; body: unknown }[] = [];
	const known: Record<string, (body: unknown) => Answer> = {
		'GET /v1/me': () => ({
			body: {
				user: { id: uuid(5), email: 'owner@example.com', name: 'Owner' },
				accounts: [{ id: ACCOUNT, name: 'The Old Vic', role: 'owner' }],
				account_id: ACCOUNT,
				permissions: may
			}
		}),
		'GET /v1/event-types': () => ({ body: { items: eventTypes } }),
		'GET /v1/queue': () => ({ body: queue }),
		'GET /v1/overlays': () => ({
			body: { items: [{ id: OVERLAY, name: 'My alerts', width: 1920, height: 1080 }] }
		}),
		'GET /v1/events': () => ({
			body: { items: [anEvent()], page: 1, limit: 30, total: 1, total_is_exact: true }
		}),
		...answers
	};
	const send: typeof fetch = async (address, init) => {
		const call = `${init?.method ?? 'GET'} ${String(address).split('?')[0]}`;
		const body = typeof init?.body === 'string' ? JSON.parse(init.body) : undefined;
		calls.push({ call, body });
		const answer = known[call]?.(body) ?? { body: {} };
		return new Response(JSON.stringify(answer.body), { status: answer.status ?? 200 });
	};
	let link: LinkHandlers | null = null;
	const kept = new Map<string, string>();
	const studio = new Studio({
		api: new Api({ fetch: send }),
		openLink: (handlers) => {
			link = handlers;
			handlers.onState('live');
			return Promise.resolve({ close: () => {} });
		},
		secrets: new Secrets(() => ({
			getItem: (name) => kept.get(name) ?? null,
			setItem: (name, value) => void kept.set(name, value),
			removeItem: (name) => void kept.delete(name)
		}))
	});
	return {
		studio,
		calls,
		kept,
		asked: (call: string) => calls.filter((one) => one.call === call).map(({ body }) => body),
		say: (message: BusMessage) => link?.onMessage(message)
	};
}

/** A part that has its props already: what the frame of a test takes. */
export const given =
	<Props extends Record<string, unknown>>(part: Component<Props>, props: Props): Component =>
	(internals) =>
		part(internals, props);
