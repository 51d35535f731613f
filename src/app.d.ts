import type { Principal } from '$lib/server/actions/principal.ts';
import type { Locale } from '$lib/server/http/locale.ts';

declare global {
	namespace App {
		interface Locals {
			/** Who is asking, as far as cookies and headers tell; never trusted without SQL's own check. */
			principal: Principal;
			/** Short name of this request in logs and problem documents. */
			requestId: string;
			/** Language of the page, chosen from cookie, then Accept-Language. */
			locale: Locale;
		}
	}
}

export {};
