/**
 * The messages of a subscription: the very stream that `GET /v1/stream` answers, read here instead
 * of by the caller. Who may, the holes that are mended, revocation and the limit of open streams
 * are therefore the same on both faces.
 */
import { Repeater } from 'graphql-yoga';
import { AppError } from '$lib/bus/error.ts';
import { BusMessage } from '$lib/bus/message.ts';
import { callAction } from '$lib/server/actions/call.ts';
import { streamActions } from '$lib/server/actions/streams.ts';
import type { GraphqlContext } from './builder.ts';
import { graphqlError } from './refusal.ts';

export interface Heard {
	/** Where the stream stands: `after` of a later subscription. Null on messages that are no events. */
	cursor: string | null;
	message: BusMessage;
}

/** Opens the account's stream. `after` is the cursor of the last message that was heard. */
export async function openMessages(
	context: GraphqlContext,
	after: string | null
): Promise<AsyncIterable<Heard>> {
	const action = streamActions.find(({ id }) => id === 'stream.account');
	if (action === undefined) throw new AppError('internal', 'There is no stream.account.');
	const response = await callAction({
		action,
		caller: { ...context.caller, lastEventId: after },
		input: {},
		answer: context.answer,
		once: null
	});
	if (!(response instanceof Response) || response.body === null)
		throw new AppError('internal', 'The stream has no body.');
	return read(response.body, context.requestId);
}

function read(body: ReadableStream<Uint8Array>, requestId: string): AsyncIterable<Heard> {
	return new Repeater<Heard>(async (push, stop) => {
		const reader = body.getReader();
		// A reader that waits for a message must end when its subscriber leaves.
		void stop.then(() => reader.cancel().catch(() => undefined));
		const decoder = new TextDecoder();
		let rest = '';
		for (;;) {
			const { done, value } = await reader.read();
			if (done) break;
			const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
			rest = blocks.pop() ?? '';
			for (const block of blocks) {
				const frame = readFrame(block);
				if (frame.event === 'reset')
					throw graphqlError(
						new AppError('gone', 'after: too old. Read the events afresh, then subscribe without.'),
						requestId
					);
				if (frame.event !== null || frame.data === '') continue;
				const message = BusMessage.safeParse(JSON.parse(frame.data));
				// Waits until it was taken: what is not read stays in the stream, which has a bound.
				if (message.success) await push({ cursor: frame.id, message: message.data });
			}
		}
		stop();
	});
}

interface Frame {
	id: string | null;
	event: string | null;
	data: string;
}

/** One block of server-sent events, as `sse.ts` writes them: each field at most once. */
export function readFrame(block: string): Frame {
	const fields = new Map(
		block.split('\n').map((line) => {
			const at = line.indexOf(': ');
			return at < 0 ? ([line, ''] as const) : ([line.slice(0, at), line.slice(at + 2)] as const);
		})
	);
	return {
		id: fields.get('id') ?? null,
		event: fields.get('event') ?? null,
		data: fields.get('data') ?? ''
	};
}
