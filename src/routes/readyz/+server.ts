import { json } from '@sveltejs/kit';
import { awaitDatabase } from '$lib/server/http/ready.ts';
import { refusing } from '$lib/server/http/refusing.ts';

/** The database answers. */
export const GET = refusing(async () => {
	await awaitDatabase();
	return json({ status: 'ready' }, { headers: { 'cache-control': 'no-store' } });
});
