/** The SvelteKit side of the API: an event as what `http.ts` asks for. */
import type { RequestEvent } from '@sveltejs/kit';
import { answer } from '$lib/server/http.ts';
import { services } from '$lib/server/services.ts';

/** Answers a request below /v1 or /api. */
export const rest = ({ request, url, params, locals, getClientAddress }: RequestEvent) => {
	const running = services();
	return answer({
		request,
		path: `/${params.path ?? ''}`,
		search: url.search,
		principal: locals.principal,
		services: running,
		origin: running.config.origin ?? url.origin,
		locale: locals.locale,
		address: getClientAddress(),
		requestId: locals.requestId
	});
};
