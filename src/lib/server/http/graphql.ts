/** The SvelteKit side of GraphQL, which is loaded with the first query. */
import type { RequestEvent } from '@sveltejs/kit';
import { services } from '$lib/server/services.ts';

/** Answers a request to /graphql. */
export async function graphql(event: RequestEvent): Promise<Response> {
	const { request, url, locals, getClientAddress } = event;
	const running = services();
	const { answerGraphql } = await import('$lib/server/graphql/index.ts');
	return answerGraphql({
		request,
		search: url.search,
		principal: locals.principal,
		services: running,
		origin: running.config.origin ?? url.origin,
		locale: locals.locale,
		address: getClientAddress(),
		requestId: locals.requestId
	});
}
