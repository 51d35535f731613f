/** House lights: dark, light, or as the system says. A cookie, so that the next page comes in them. */
import { createContext } from 'svelte';

export const lights = ['system', 'light', 'dark'] as const;
export type Light = (typeof lights)[number];
export const LIGHTS_COOKIE = 'cuelight_lights';

/** What a cookie says; anything else is `system`. */
export const lightOf = (cookie: string | undefined): Light =>
	lights.find((light) => light === cookie) ?? 'system';

export class HouseLights {
	value: Light = $state('system');

	constructor(value: Light) {
		this.value = value;
	}

	choose(value: Light, page: Pick<Document, 'cookie'>): void {
		this.value = value;
		page.cookie = `${LIGHTS_COOKIE}=${value}; path=/; max-age=31536000; samesite=lax`;
	}
}

export const [useHouseLights, provideHouseLights] = createContext<HouseLights>();
