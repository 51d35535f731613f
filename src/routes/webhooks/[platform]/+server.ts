import { receive } from '$lib/server/http/webhook.ts';
import { refusing } from '$lib/server/http/refusing.ts';

export const fallback = refusing(receive);
