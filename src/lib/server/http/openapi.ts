/** Answers with the API's document. It is public: it holds what the code holds, and no data. */
import type { RequestEvent } from '@sveltejs/kit';
import { openApi } from '$lib/server/openapi/index.ts';
import { isKnown } from './etag.ts';

export function serveOpenApi({ request }: Pick<RequestEvent, 'request'>): Response {
	const { text, etag } = openApi();
	const headers = { etag, 'cache-control': 'no-cache' };
	if (isKnown(request.headers.get('if-none-match'), etag))
		return new Response(null, { status: 304, headers });
	return new Response(text, { headers: { ...headers, 'content-type': 'application/json' } });
}
