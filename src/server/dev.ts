/**
 * `npm run dev`: what the built server's entry does, for Vite's. The services start with the
 * first request, so one is made as soon as Vite listens; WebSockets that are not Vite's own are
 * ours.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Plugin } from 'vite';

interface Realtime {
	handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
}

const isRealtime = (value: unknown): value is Realtime =>
	typeof value === 'object' && value !== null && 'handleUpgrade' in value;

export function cuelightDev(): Plugin {
	return {
		name: 'cuelight-dev',
		// Tests in the browser have a Vite server too; they must not start the product.
		apply: (_config, { command }) => command === 'serve' && !process.env.VITEST,
		configureServer(server) {
			const { httpServer, config } = server;
			if (httpServer === null) return;
			// Vite waits for this before it exits; an event of the HTTP server it would not wait for.
			const close = server.close.bind(server);
			server.close = async () => {
				await globalThis.__cuelight?.stop();
				await close();
			};
			httpServer.once('listening', () => {
				const address = httpServer.address();
				if (typeof address !== 'object' || address === null) return;
				process.env.PORT = String(address.port);
				fetch(`http://127.0.0.1:${address.port}/healthz`).then(
					() => {
						const link = globalThis.__cuelight?.setupLink();
						if (link) config.logger.info(`  First run: set up at ${link}`);
					},
					(error: unknown) => config.logger.error(String(error))
				);
			});
			httpServer.on('upgrade', (request, socket, head) => {
				if (request.headers['sec-websocket-protocol']?.includes('vite-hmr')) return;
				const realtime: unknown = Reflect.get(globalThis, Symbol.for('cuelight.realtime'));
				if (isRealtime(realtime) && realtime.handleUpgrade(request, socket, head)) return;
				socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
			});
		}
	};
}
