/**
 * A planted defect: a door that answers 2xx before anything is stored, as popular webhook
 * libraries do, and hands the delivery on once. Used to prove that the checker notices.
 */
import { createServer } from 'node:http';

export async function openEarlyAck(
	target: () => string
): Promise<{ url: string; close: () => void }> {
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			response.writeHead(204).end();
			const headers: Record<string, string> = {};
			for (const [name, value] of Object.entries(request.headers))
				if (typeof value === 'string' && /^(content-type|twitch-)/.test(name))
					headers[name] = value;
			fetch(target(), { method: 'POST', body: Buffer.concat(chunks), headers }).catch(() => {});
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('early-ack has no port');
	return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}
