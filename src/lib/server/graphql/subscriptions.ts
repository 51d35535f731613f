/** Subscriptions: what the account's stream says, sorted by what one wants to hear. */
import { EventBroadcast, StatusChanged, type BusMessage } from '$lib/bus/message.ts';
import { Play, PlayWithEvent } from '$lib/bus/status.ts';
import { StreamingEvent } from '$lib/bus/event.ts';
import type { Components } from '../openapi/schema.ts';
import type { Builder } from './builder.ts';
import { refusing } from './refusal.ts';
import { openMessages, type Heard } from './stream.ts';
import type { Types } from './types.ts';

type Broadcast = Extract<BusMessage, { type: 'EVENT_BROADCAST' }>;
type Change = Extract<BusMessage, { type: 'STATUS_CHANGED' }>;
type PlayChange = Exclude<BusMessage, Broadcast | Change>;

interface HeardEvent {
	cursor: string | null;
	message: Broadcast;
}

/** Adds `events`, `playChanges` and `statusChanged`. */
export function addSubscriptions(builder: Builder, types: Types, components: Components): void {
	const output = (schema: Parameters<Components['of']>[0], name: string) =>
		types.output(components.of(schema, 'output'), '', name);
	const event = output(StreamingEvent, 'Event');
	const play = output(Play, 'Play');
	const playWithEvent = output(PlayWithEvent, 'PlayWithEvent');
	components.of(EventBroadcast, 'output');

	const eventMessage = builder.objectRef<HeardEvent>('EventMessage').implement({
		description: 'An event that was recorded, and the plays it became.',
		fields: (t) => ({
			cursor: t.string({
				nullable: true,
				description: 'Goes on after this message, as `after` of a later subscription.',
				resolve: ({ cursor }) => cursor
			}),
			at: t.field({ type: 'DateTime', resolve: ({ message }) => message.at }),
			event: t.field({ type: event, nullable: false, resolve: ({ message }) => message.event }),
			plays: t.field({
				type: [play],
				nullable: { list: false, items: false },
				resolve: ({ message }) => message.plays ?? []
			})
		})
	});
	const playChange = builder.objectRef<PlayChange>('PlayChange').implement({
		description: 'A play changed; `type` says how, in the words of the bus.',
		fields: (t) => ({
			type: t.exposeString('type', { nullable: false }),
			at: t.field({ type: 'DateTime', nullable: false, resolve: ({ at }) => at }),
			overlayId: t.field({
				type: 'UUID',
				nullable: false,
				resolve: ({ overlay_id }) => overlay_id
			}),
			rev: t.exposeInt('rev', { nullable: false }),
			play: t.field({ type: playWithEvent, nullable: false, resolve: ({ play }) => play })
		})
	});

	builder.subscriptionType({ description: 'What happens, as it happens.' });
	builder.subscriptionField('events', (t) =>
		t.field({
			type: eventMessage,
			nullable: false,
			description: 'Events as they are recorded. Permission: events:read and events:userinfo.',
			args: {
				types: t.arg({ type: ['String'], required: false }),
				after: t.arg({ type: 'String', required: false })
			},
			subscribe: (_, { types: wanted, after }, context) =>
				refusing(context, async () =>
					only(await openMessages(context, after ?? null), ({ message, cursor }) =>
						message.type === 'EVENT_BROADCAST' &&
						(wanted?.includes(message.event.event_type) ?? true)
							? { message, cursor }
							: null
					)
				),
			resolve: (heard) => heard
		})
	);
	builder.subscriptionField('playChanges', (t) =>
		t.field({
			type: playChange,
			nullable: false,
			description: 'Plays as they change. Permission: events:read and events:userinfo.',
			args: { overlayId: t.arg({ type: 'UUID', required: false }) },
			subscribe: (_, { overlayId }, context) =>
				refusing(context, async () =>
					only(await openMessages(context, null), ({ message }) =>
						message.type !== 'EVENT_BROADCAST' &&
						message.type !== 'STATUS_CHANGED' &&
						(overlayId ?? message.overlay_id) === message.overlay_id
							? message
							: null
					)
				),
			resolve: (message) => message
		})
	);
	builder.subscriptionField('statusChanged', (t) =>
		t.field({
			type: output(StatusChanged, 'StatusChanged'),
			nullable: false,
			description:
				'State beside plays and events: pauses, leaders, channels going live. Permission: events:read and events:userinfo.',
			args: { subject: t.arg({ type: 'String', required: false }) },
			subscribe: (_, { subject }, context) =>
				refusing(context, async () =>
					only(await openMessages(context, null), ({ message }) =>
						message.type === 'STATUS_CHANGED' && (subject ?? message.subject) === message.subject
							? message
							: null
					)
				),
			resolve: (message: unknown) => message
		})
	);
}

/** Those of the messages that are wanted, in the form they are wanted in. */
function only<T>(
	heard: AsyncIterable<Heard>,
	wanted: (one: Heard) => T | null
): AsyncIterableIterator<T> {
	const source = heard[Symbol.asyncIterator]();
	return {
		[Symbol.asyncIterator]() {
			return this;
		},
		async next() {
			for (;;) {
				const { done, value } = await source.next();
				if (done === true) return { done: true, value: undefined };
				const one = wanted(value);
				if (one !== null) return { done: false, value: one };
			}
		},
		// A generator would not hear this while it waits for the next message.
		async return() {
			await source.return?.();
			return { done: true, value: undefined };
		}
	};
}
