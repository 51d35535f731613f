import { expect, it } from 'vitest';
import { openWebSocket } from './sockets.ts';

it.each(['', 'nonsense', 'http//x', 'ws://127.0.0.1/ws#part', 'ws://127.0.0.1:1/ws'])(
	'tells that no socket could be opened at %j, and never throws',
	async (url) => {
		const code = await new Promise((closed) => {
			openWebSocket(url, { opened: () => undefined, frame: () => undefined, closed });
		});
		expect(code).toBe(1006);
	}
);

it('tells nothing once it was closed', async () => {
	let told = 0;
	const closed = () => (told += 1);
	for (const url of ['', 'ws://127.0.0.1:1/ws'])
		openWebSocket(url, { opened: () => undefined, frame: () => undefined, closed }).close();
	// One that was opened after them has been told of.
	await new Promise((over) => {
		const url = 'ws://127.0.0.1:1/ws';
		openWebSocket(url, { opened: () => undefined, frame: () => undefined, closed: over });
	});
	expect(told).toBe(0);
});
