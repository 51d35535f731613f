import type { PageServerLoad } from './$types';

/** As whom one would accept; the invitation itself is in the fragment, which no server sees. */
export const load: PageServerLoad = ({ locals: { principal } }) => ({
	person: principal.kind === 'member' ? { name: principal.name, email: principal.email } : null
});
