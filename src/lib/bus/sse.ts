/**
 * Reads server-sent events from the body of a `fetch`, which unlike `EventSource` can send an
 * `Authorization` header, and is there in browsers, Node and Deno alike. The format is that of the
 * HTML standard, "9.2.6 Interpreting an event stream".
 */
export interface ServerSentEvent {
	/** `message` unless the server named it. */
	event: string;
	data: string;
	/** The last id that the server gave, in this event or before; empty when none yet. */
	id: string;
	/** Milliseconds to wait before coming back, when the server said so. */
	retry: number | null;
}

/** No message of ours is near this long: a server that sends more without an end is not ours. */
const MAX_EVENT_LENGTH = 4_000_000;

/**
 * The events of a stream, one by one. `onBytes` is called for whatever comes, comments included:
 * they are how a server says that it lives. Ends with the stream; throws what the stream throws.
 */
export async function* readServerSentEvents(
	body: ReadableStream<Uint8Array>,
	onBytes: () => void = () => {}
): AsyncGenerator<ServerSentEvent, void, undefined> {
	const reader = body.getReader();
	const decoder = new TextDecoder();
	let rest = '';
	let event = '';
	let data: string[] = [];
	let size = 0;
	let id = '';
	let retry: number | null = null;
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) return;
			onBytes();
			rest += decoder.decode(value, { stream: true });
			// A lone \r at the end may be the first half of \r\n: it waits for what follows.
			const lines = rest.split(/\r\n|\n|\r(?!$)/);
			rest = lines.pop() ?? '';
			for (const line of lines) {
				size += line.length;
				if (line === '') {
					if (data.length > 0)
						yield { event: event || 'message', data: data.join('\n'), id, retry };
					event = '';
					data = [];
					size = 0;
					continue;
				}
				const [, field = '', content = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
				if (field === 'event') event = content;
				else if (field === 'data') data.push(content);
				else if (field === 'id' && !content.includes('\u0000')) id = content;
				else if (field === 'retry' && /^\d{1,9}$/.test(content)) retry = Number(content);
			}
			if (size + rest.length > MAX_EVENT_LENGTH)
				throw new Error(`An event of the stream is longer than ${MAX_EVENT_LENGTH} characters.`);
		}
	} finally {
		// Also when the reader of this generator leaves early: the connection must not linger.
		await reader.cancel().catch(() => {});
	}
}
