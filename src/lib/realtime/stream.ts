/** The carrier for networks that let no WebSocket through: the same messages as server-sent events. */
import { readServerSentEvents } from '$lib/bus/sse.ts';
import {
	fullJitter,
	messageOf,
	type StartCarrier,
	type Surroundings,
	type TokenSource
} from './carrier.ts';

export interface StreamOptions extends Surroundings {
	url: string;
	token: TokenSource;
	request: typeof fetch;
}

/** The server says something every 15 s. Silence for this long is a dead connection. */
const SILENCE_MS = 45_000;

export const streamCarrier =
	({ url, token, request, clock, random }: StreamOptions): StartCarrier =>
	(events) => {
		let closed = false;
		let tries = 0;
		let fresh = false;
		let lastId = '';
		let connection = new AbortController();
		let stopTimer = () => {};

		async function run(): Promise<void> {
			connection = new AbortController();
			const { signal } = connection;
			const listen = () => {
				stopTimer();
				stopTimer = clock.after(SILENCE_MS, () => connection.abort());
			};
			let reason = 'the stream ended';
			try {
				listen();
				const bearer = await token({ fresh });
				fresh = false;
				const response = await request(url, {
					headers: {
						accept: 'text/event-stream',
						authorization: `Bearer ${bearer}`,
						...(lastId === '' ? {} : { 'last-event-id': lastId })
					},
					credentials: 'omit',
					cache: 'no-store',
					signal
				});
				if (!response.ok || response.body === null) {
					fresh = response.status === 401;
					await response.body?.cancel();
					throw new Error(`the stream was refused with ${response.status}`);
				}
				if (closed) return connection.abort();
				events.up();
				for await (const { event, data, id } of readServerSentEvents(response.body, listen)) {
					if (closed) return;
					tries = 0;
					lastId = id;
					if (event === 'message') events.message(parse(data));
					else if (event === 'reset') events.missed();
				}
			} catch (error) {
				reason = messageOf(error);
			} finally {
				stopTimer();
			}
			if (closed) return;
			events.down(reason);
			stopTimer = clock.after(fullJitter(tries, random), () => void run());
			tries += 1;
		}
		void run();

		return {
			close() {
				closed = true;
				stopTimer();
				connection.abort();
			}
		};
	};

/** What is no JSON goes on as it is: the supervisor reports what it cannot read. */
function parse(data: string): unknown {
	try {
		return JSON.parse(data);
	} catch {
		return data;
	}
}
