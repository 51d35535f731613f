import { services } from '$lib/server/services.ts';
import type { RequestHandler } from './$types';

/** Broadcasts over HTTP; sockets come by upgrade and never get here. */
export const fallback: RequestHandler = ({ request }) => services().realtime.handleHttp(request);
