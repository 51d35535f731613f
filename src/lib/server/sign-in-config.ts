/**
 * With whom people may sign in besides a password: those whose client id and secret the environment
 * gives, under the names that each of them uses (`GOOGLE_CLIENT_ID`, `GOOGLE_CLIENT_SECRET`), and
 * one identity provider of one's own, found by its OpenID Connect discovery document.
 */
import { identityProviders, type IdentityProvider } from '../platforms/sign-in.ts';

interface Client {
	id: string;
	secret: string;
}

export interface SignInConfig {
	social: Partial<Record<IdentityProvider, Client>>;
	oidc: (Client & { issuer: string; title: string }) | null;
}

interface Issue {
	path: string;
	message: string;
}

/** Reads the variables; `issues` names those that are not right. */
export function readSignIn(env: Readonly<Record<string, string | undefined>>): {
	signIn: SignInConfig;
	issues: Issue[];
} {
	const issues: Issue[] = [];
	const read = (prefix: string): Client | null => {
		const id = env[`${prefix}_CLIENT_ID`];
		const secret = env[`${prefix}_CLIENT_SECRET`];
		// A client without a secret may connect channels (by device code), but cannot sign in.
		return id && secret ? { id, secret } : null;
	};
	const social: SignInConfig['social'] = {};
	for (const name of identityProviders) {
		const client = read(name.toUpperCase());
		if (client !== null) social[name] = client;
	}
	const issuer = env.OIDC_ISSUER;
	const client = read('OIDC');
	if (!issuer) return { signIn: { social, oidc: null }, issues };
	if (!URL.canParse(issuer) || !/^https?:/.test(issuer))
		issues.push({ path: 'OIDC_ISSUER', message: 'must be an address such as https://…' });
	if (client === null)
		issues.push({
			path: 'OIDC_CLIENT_ID',
			message: 'and OIDC_CLIENT_SECRET are needed too when OIDC_ISSUER is set'
		});
	const oidc =
		client === null
			? null
			: {
					...client,
					issuer: issuer.replace(/\/+$/, ''),
					title: env.OIDC_NAME || 'Single sign-on'
				};
	return { signIn: { social, oidc }, issues };
}
