/** Wraps a route so that whatever it throws becomes a problem document. */
import type { RequestEvent } from '@sveltejs/kit';
import { AppError } from '$lib/bus/error.ts';
import { refusalOf } from '$lib/server/backend/statements/refusal.ts';
import { services } from '$lib/server/services.ts';
import { problemResponse } from './problem.ts';
import { MethodNotAllowed } from './route.ts';

export const refusing =
	(route: (event: RequestEvent) => Promise<Response>) =>
	async (event: RequestEvent): Promise<Response> => {
		const { requestId } = event.locals;
		try {
			return await route(event);
		} catch (thrown) {
			const error = refusalOf(thrown);
			if (!(error instanceof AppError))
				services().log.error('a request failed', {
					request: requestId,
					path: event.url.pathname,
					error
				});
			const response = problemResponse(error, requestId);
			if (error instanceof MethodNotAllowed) response.headers.set('allow', error.allow);
			return response;
		}
	};
