/**
 * The programs that people consent to, as the environment gives them. Which variables there are is
 * each platform's to say (`connect.client`); their names are known nowhere else.
 */
import { z } from 'zod';
import { platforms } from '../platforms/catalog.ts';

/** A platform's program and addresses. */
export interface ClientConfig {
	/** null: none is set; accounts may have their own. */
	id: string | null;
	/** null: a public client, or none. */
	secret: string | null;
	/** Where the platform is, by the names that it gives its addresses. */
	addresses: Record<string, string>;
}

interface Issue {
	path: string;
	message: string;
}

const Address = z
	.url({ protocol: /^(https?|wss?)$/, error: 'must be an address such as https://…' })
	.transform((address) => address.replace(/\/+$/, ''));

/** Reads the variables of all platforms; `issues` names those that are not right. */
export function readClients(env: Readonly<Record<string, string | undefined>>): {
	clients: Record<string, ClientConfig>;
	issues: Issue[];
} {
	const issues: Issue[] = [];
	function read(variable: string, form: z.ZodType<string>): string | null {
		const set = env[variable];
		if (set === undefined || set === '') return null;
		const value = form.safeParse(set);
		if (value.success) return value.data;
		issues.push({ path: variable, message: value.error.issues[0]?.message ?? 'is not right' });
		return null;
	}
	const clients: Record<string, ClientConfig> = {};
	for (const { name, connect } of platforms) {
		if (connect === undefined) continue;
		const { id, secret, addresses, idForm, secretForm } = connect.client;
		const found: Record<string, string> = {};
		for (const [key, { variable, address }] of Object.entries(addresses))
			found[key] = read(variable, Address) ?? address;
		clients[name] = { id: read(id, idForm), secret: read(secret, secretForm), addresses: found };
	}
	return { clients, issues };
}
