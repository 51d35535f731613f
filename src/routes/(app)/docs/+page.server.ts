import { openApi } from '$lib/server/openapi/index.ts';
import { docsOf } from '$lib/server/openapi/pages.ts';
import { services } from '$lib/server/services.ts';
import type { PageServerLoad } from './$types';

/** The API's documentation is for everybody: it holds no data. */
export const load: PageServerLoad = ({ url, locals }) => ({
	docs: docsOf(openApi().document, services().config.origin ?? url.origin),
	isMember: locals.principal.kind === 'member'
});
