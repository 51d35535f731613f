import { redirect } from '@sveltejs/kit';
import type { LayoutServerLoad } from './$types';

/** The studio is for those who are signed in; the rest come back here after signing in. */
export const load: LayoutServerLoad = ({ locals, url }) => {
	if (locals.principal.kind !== 'member')
		redirect(303, `/sign-in?next=${encodeURIComponent(url.pathname + url.search)}`);
};
