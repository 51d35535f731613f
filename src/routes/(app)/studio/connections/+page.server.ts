import { platforms } from '$lib/platforms/catalog.ts';
import type { PageServerLoad } from './$types';

/** The platforms that a channel can be connected to here, as their owners write them. */
export const load: PageServerLoad = ({ url }) => ({
	platforms: platforms
		.filter(({ webhook }) => webhook !== undefined)
		.map(({ name, title }) => ({ name, title, webhook_url: `${url.origin}/webhooks/${name}` }))
});
