import { expect, it } from 'vitest';
import { readSignIn } from './sign-in-config.ts';

it('offers those with an id and a secret', () => {
	const { signIn, issues } = readSignIn({
		GOOGLE_CLIENT_ID: 'id',
		GOOGLE_CLIENT_SECRET: 'secret',
		SPOTIFY_CLIENT_ID: 'id only'
	});
	expect(signIn).toEqual({ social: { google: { id: 'id', secret: 'secret' } }, oidc: null });
	expect(issues).toEqual([]);
});

it('takes a provider of one’s own whole, or says what is missing', () => {
	const own = { OIDC_ISSUER: 'https://id.example/', OIDC_CLIENT_ID: 'a', OIDC_CLIENT_SECRET: 'b' };
	expect(readSignIn(own).signIn.oidc).toEqual({
		...{ id: 'a', secret: 'b', issuer: 'https://id.example', title: 'Single sign-on' }
	});
	expect(readSignIn({ OIDC_ISSUER: 'id.example' }).issues.map(({ path }) => path)).toEqual([
		'OIDC_ISSUER',
		'OIDC_CLIENT_ID'
	]);
});
