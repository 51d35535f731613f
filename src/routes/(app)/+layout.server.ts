import { localeOf } from '$lib/i18n/text.ts';
import { lightOf, LIGHTS_COOKIE } from '$lib/studio/lights.svelte.ts';
import type { LayoutServerLoad } from './$types';

/** What the first byte of every studio page depends on: its language and its lights. */
export const load: LayoutServerLoad = ({ locals, cookies }) => ({
	locale: localeOf(locals.locale),
	light: lightOf(cookies.get(LIGHTS_COOKIE))
});
