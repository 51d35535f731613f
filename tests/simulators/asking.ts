/** Asking the fake Twitch, and listening to it, the way any program would. */
import { WebSocket } from 'ws';

export interface Said {
	status: number;
	headers: Headers;
	// What an endpoint answers is looked at by the test that asks.
	body: Record<string, unknown> & { data?: Record<string, unknown>[] };
}
export async function ask(url: string, init: RequestInit = {}): Promise<Said> {
	const response = await fetch(url, { redirect: 'manual', ...init });
	const text = await response.text();
	const isJson = response.headers.get('content-type')?.startsWith('application/json');
	return {
		status: response.status,
		headers: response.headers,
		body: isJson ? JSON.parse(text) : { text }
	};
}

/** A client that only listens. */
export class Listener {
	readonly frames: { metadata: Record<string, string>; payload: Record<string, never> }[] = [];
	readonly socket: WebSocket;
	readonly closed: Promise<number>;
	#wake = () => undefined as void;
	constructor(url: string) {
		this.socket = new WebSocket(url);
		this.socket.on('message', (data) => {
			this.frames.push(JSON.parse(String(data)));
			this.#wake();
		});
		this.socket.on('error', () => undefined);
		this.closed = new Promise((resolve) => this.socket.on('close', resolve));
	}
	kinds = () => this.frames.map(({ metadata }) => metadata['message_type']);
	/** The first frame of that kind, now or later. */
	async first(kind: string, skip = 0) {
		for (;;) {
			const found = this.frames.filter(({ metadata }) => metadata['message_type'] === kind)[skip];
			if (found !== undefined) return found;
			await new Promise<void>((resolve) => (this.#wake = resolve));
		}
	}
	async sessionId(): Promise<string> {
		const { payload } = await this.first('session_welcome');
		return (payload as unknown as { session: { id: string } }).session.id;
	}
}
