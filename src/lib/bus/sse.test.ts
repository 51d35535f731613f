import { expect, test } from 'vitest';
import { readServerSentEvents, type ServerSentEvent } from './sse.ts';

/** A body that arrives in these pieces. */
const body = (...pieces: (string | Uint8Array)[]) =>
	new ReadableStream<Uint8Array>({
		start(controller) {
			for (const piece of pieces)
				controller.enqueue(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece);
			controller.close();
		}
	});

async function read(stream: ReadableStream<Uint8Array>) {
	const events: ServerSentEvent[] = [];
	for await (const event of readServerSentEvents(stream)) events.push(event);
	return events;
}

test('reads fields, joins lines of data, keeps the id, skips comments and empty events', async () => {
	const events = await read(
		body('retry: 2000\n\n:\n\nid: a:1\nevent: ready\ndata: {\ndata: }\n\ndata:x\n\n')
	);
	expect(events).toEqual([
		{ event: 'ready', data: '{\n}', id: 'a:1', retry: 2000 },
		{ event: 'message', data: 'x', id: 'a:1', retry: 2000 }
	]);
});

test('does not care where the pieces are cut, not even inside a letter or a line end', async () => {
	const bytes = new TextEncoder().encode('data: é€😀\r\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n');
	const whole = await read(body(bytes));
	expect(whole.map(({ data }) => data)).toEqual(['é€😀\nb', 'c', 'd']);
	for (let cut = 1; cut < bytes.length; cut += 1)
		expect(await read(body(bytes.slice(0, cut), bytes.slice(cut)))).toEqual(whole);
	expect(await read(body(...[...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(whole);
});

test('an event that was cut off by the end of the stream is dropped', async () => {
	expect(await read(body('data: whole\n\ndata: half'))).toHaveLength(1);
});

test('hears comments as signs of life', async () => {
	let signs = 0;
	const stream = body(':\n\n', ':\n\n');
	for await (const event of readServerSentEvents(stream, () => (signs += 1)))
		throw new Error(`there is no event ${event.data}`);
	expect(signs).toBe(2);
});

test('refuses an event without end', async () => {
	const endless = new ReadableStream<Uint8Array>({
		pull: (controller) => controller.enqueue(new TextEncoder().encode('x'.repeat(100_000)))
	});
	await expect(read(endless)).rejects.toThrow('longer than');
});

test('leaves the connection when its reader leaves', async () => {
	let left = false;
	const stream = new ReadableStream<Uint8Array>({
		start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
		cancel: () => {
			left = true;
		}
	});
	for await (const event of readServerSentEvents(stream)) if (event.data === '1') break;
	expect(left).toBe(true);
});
