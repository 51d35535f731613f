import { asProblem } from '$lib/server/http/auth.ts';
import { refusing } from '$lib/server/http/refusing.ts';
import { services } from '$lib/server/services.ts';

export const fallback = refusing(async ({ request, params, locals, getClientAddress }) => {
	const path = `/${params.path ?? ''}`;
	return asProblem(
		await services().authDoor.answer(request, path, getClientAddress()),
		locals.requestId,
		path
	);
});
