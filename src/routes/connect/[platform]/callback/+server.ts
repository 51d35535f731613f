import { callback } from '$lib/server/http/callback.ts';
import { refusing } from '$lib/server/http/refusing.ts';

export const fallback = refusing(callback);
