/**
 * The stack to be ahead of, as a streamer's own server is commonly built: Node's HTTP server, one
 * Postgres insert for each event, a Redis publish, and a `ws` server that subscribes and sends to
 * every socket. No dedupe, no order, no plays, no cursor. Where Redis is missing the publish is
 * replaced by a call in the process, which favours the peer.
 */
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { WebSocketServer } from 'ws';

const { DATABASE, REDIS_PORT, PORT } = process.env;
const sql = postgres({ ...JSON.parse(DATABASE ?? '{}'), max: 16, onnotice: () => {} });
await sql`create table if not exists peer_events (
	id uuid primary key default gen_random_uuid(), account_id uuid not null, event_type text not null,
	platform text not null, external_id text, raw jsonb not null, created_at timestamptz not null default now())`;
await sql`create index if not exists peer_events_time on peer_events (account_id, created_at desc)`;

const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const deliver = (message: string) => {
	for (const client of wss.clients) client.send(message);
};
const publisher = REDIS_PORT ? new Redis(Number(REDIS_PORT), '127.0.0.1') : null;
if (REDIS_PORT) {
	const subscriber = new Redis(Number(REDIS_PORT), '127.0.0.1');
	await subscriber.subscribe('events');
	subscriber.on('message', (_channel, message) => deliver(message));
}

const account = '00000000-0000-4000-8000-000000000001';
const server = createServer((request, response) => {
	const chunks: Buffer[] = [];
	request.on('data', (chunk: Buffer) => chunks.push(chunk));
	request.on('end', async () => {
		try {
			const raw = JSON.parse(Buffer.concat(chunks).toString());
			const [row] =
				await sql`insert into peer_events (account_id, event_type, platform, external_id, raw)
				values (${account}, 'twitch:cheer', 'twitch', ${raw.event.user_id}, ${raw}) returning id, created_at`;
			const message = JSON.stringify({ type: 'EVENT_BROADCAST', event: { ...row, raw } });
			if (publisher) await publisher.publish('events', message);
			else deliver(message);
			response.writeHead(204).end();
		} catch (error) {
			response.writeHead(500).end(String(error));
		}
	});
});
server.on('upgrade', (request, socket, head) =>
	wss.handleUpgrade(request, socket, head, (client) => wss.emit('connection', client, request))
);
server.listen(Number(PORT), '127.0.0.1', () => process.send?.('ready'));
process.on('disconnect', () => process.exit(0));
