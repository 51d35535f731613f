/** Hands a platform's delivery, exactly as it came, to the one door, and its answer back. */
import type { RequestEvent } from '@sveltejs/kit';
import { AppError } from '$lib/bus/error.ts';
import { findPlatform } from '$lib/platforms/catalog.ts';
import { ingest, MAX_DELIVERY_BYTES } from '$lib/platforms/ingest.ts';
import { services } from '$lib/server/services.ts';
import { readBytes } from './body.ts';
import { MethodNotAllowed } from './route.ts';

/** Answers a delivery to /webhooks/{platform}. Throws `AppError`. */
export async function receive({
	request,
	params,
	locals
}: Pick<RequestEvent, 'request' | 'params'> & {
	locals: { requestId: string };
}): Promise<Response> {
	const platform = findPlatform(params.platform ?? '');
	if (platform?.webhook === undefined)
		throw new AppError('not_found', `No platform ${params.platform} delivers here.`);
	if (request.method !== 'POST') throw new MethodNotAllowed(['POST']);
	const running = services();
	const received_at = new Date();
	const delivery = {
		headers: Object.fromEntries(request.headers),
		body: await readBytes(request, MAX_DELIVERY_BYTES),
		received_at
	};
	const { status, headers, body } = await ingest(platform, delivery, {
		record: (account, drafts) => running.recorder.record(account, drafts),
		gather: (account, parts) => running.gatherer.gather(account, parts),
		connections: (name, channel) => running.connections.find(name, channel),
		logDelivery: (record) => {
			const { platform, kind, outcome, detail } = record;
			running.log.debug('a delivery', { platform, kind, outcome, detail });
			running.sources.noteDelivery(record);
			return running.deliveries.note(record);
		},
		clock: () => received_at,
		request_id: locals.requestId
	});
	return new Response(body, { status, headers: { ...headers, 'cache-control': 'no-store' } });
}
