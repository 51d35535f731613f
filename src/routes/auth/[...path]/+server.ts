import { asProblem } from '$lib/server/http/auth.ts';
import { refusing } from '$lib/server/http/refusing.ts';
import { services } from '$lib/server/services.ts';

export const fallback = refusing(async ({ request, params, locals, getClientAddress }) =>
	asProblem(
		await services().authDoor.answer(request, `/${params.path ?? ''}`, getClientAddress()),
		locals.requestId
	)
);
