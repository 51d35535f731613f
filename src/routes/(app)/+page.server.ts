import { redirect } from '@sveltejs/kit';
import { accountExists } from '$lib/server/backend/statements/accounts.ts';
import { services } from '$lib/server/services.ts';
import type { PageServerLoad } from './$types';

/** The front door: to the studio, to sign-in, or, while nobody owns this server, a word about setup. */
export const load: PageServerLoad = async ({ locals }) => {
	if (locals.principal.kind === 'member') redirect(303, '/studio');
	if (await accountExists(services().database.sql)) redirect(303, '/sign-in');
};
