/** Server-sent events: the account's messages for programs, an overlay's for its page. */
import { z } from 'zod';
import { BusMessage } from '$lib/bus/message.ts';
import { accountTopic, overlayTopic } from '$lib/bus/topic.ts';
import { pullEvents } from '$lib/server/backend/statements/events.ts';
import { pullOverlay } from '$lib/server/backend/statements/queue.ts';
import { defineAction } from './define.ts';
import { accountOf, overlayOf } from './principal.ts';

const EVENTS_PER_PULL = 100;

const account = defineAction({
	id: 'stream.account',
	summary: 'Streams the account’s messages; resumes after `Last-Event-ID` without a hole.',
	method: 'GET',
	path: '/stream',
	permission: 'events:read',
	input: z.strictObject({}),
	output: BusMessage,
	media: 'text/event-stream',
	run: async (context) => {
		const account_id = accountOf(context.principal);
		// The messages carry viewers: as on the realtime topic, both permissions are needed.
		const allow = async () => {
			await context.services.permits.require(context, 'events:read');
			await context.services.permits.require(context, 'events:userinfo');
		};
		await allow();
		return context.services.streams.open({
			topic: accountTopic(account_id),
			principal: context.principal,
			lastEventId: context.lastEventId,
			signal: context.signal,
			pull: (epoch, cursor) =>
				context.as((sql) => pullEvents(sql, account_id, epoch, cursor, EVENTS_PER_PULL)),
			stillAllowed: allow
		});
	}
});

const overlay = defineAction({
	id: 'stream.overlay',
	summary: 'Streams an overlay’s messages to its page, where sockets do not get through.',
	method: 'GET',
	path: '/overlay/events',
	permission: 'overlay',
	input: z.strictObject({}),
	output: BusMessage,
	media: 'text/event-stream',
	run: async (context) => {
		const overlay_id = overlayOf(context.principal);
		const pull = (epoch: string | null, cursor: number) =>
			context.as((sql) => pullOverlay(sql, overlay_id, epoch, cursor, EVENTS_PER_PULL));
		return context.services.streams.open({
			topic: overlayTopic(overlay_id),
			principal: context.principal,
			lastEventId: context.lastEventId,
			signal: context.signal,
			pull,
			stillAllowed: async () => void (await pull(null, 0))
		});
	}
});

export const streamActions = [account, overlay];
