/**
 * Secrets that the server showed once. They stay in this tab's own storage until the person says
 * that they have them, so that a reload does not lose them; never anywhere longer-lived.
 */
import { z } from 'zod';

const PREFIX = 'cuelight.shown-once.';
const Welcome = z.object({ overlay_url: z.string(), api_key: z.string(), webhook_url: z.string() });
export type Welcome = z.infer<typeof Welcome>;

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export class Secrets {
	#store: () => Store;

	constructor(store: () => Store = () => sessionStorage) {
		this.#store = store;
	}

	/** What setup made: the overlay's address and the first API key. */
	readWelcome(): Welcome | null {
		const text = this.#read('welcome');
		if (text === null) return null;
		try {
			return Welcome.safeParse(JSON.parse(text)).data ?? null;
		} catch {
			return null;
		}
	}
	keepWelcome(welcome: Welcome): void {
		this.#write('welcome', JSON.stringify(Welcome.parse(welcome)));
	}
	dropWelcome(): void {
		this.#write('welcome', null);
	}

	/** The secret (or whole address) of a key made or rotated in this tab. */
	readKey(keyId: string): string | null {
		return this.#read(`key.${keyId}`);
	}
	keepKey(keyId: string, secret: string): void {
		this.#write(`key.${keyId}`, secret);
	}
	dropKey(keyId: string): void {
		this.#write(`key.${keyId}`, null);
	}

	/** The invitation that was opened in this tab, while its person signs in elsewhere. */
	readInvitation = (): string | null => this.#read('invitation');
	keepInvitation = (secret: string): void => this.#write('invitation', secret);
	dropInvitation = (): void => this.#write('invitation', null);

	// A browser may refuse storage altogether: then a secret lives only as long as the page.
	#read(name: string): string | null {
		try {
			return this.#store().getItem(PREFIX + name);
		} catch {
			return null;
		}
	}
	#write(name: string, value: string | null): void {
		try {
			if (value === null) this.#store().removeItem(PREFIX + name);
			else this.#store().setItem(PREFIX + name, value);
		} catch {
			return;
		}
	}
}
