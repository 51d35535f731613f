import { json } from '@sveltejs/kit';
import { services } from '$lib/server/services.ts';

/** The public key of our tokens, for whoever has to verify them. */
export const GET = () =>
	json(services().tokens.jwks, { headers: { 'cache-control': 'public, max-age=300' } });
