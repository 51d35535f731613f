/**
 * Signing in, and with what one may. Addresses below `/auth` are better-auth's and speak its
 * camelCase. A passkey's options and answers go between the server and the browser unread.
 */
import type {
	AuthenticationResponseJSON,
	PublicKeyCredentialCreationOptionsJSON,
	PublicKeyCredentialRequestOptionsJSON,
	RegistrationResponseJSON
} from '@simplewebauthn/browser';
import { z } from 'zod';
import { listOf } from './answers.ts';
import type { Call } from './api.ts';

export const WaysIn = z.object({
	passkeys: z.boolean(),
	providers: z.array(z.object({ name: z.string(), title: z.string() }))
});
export type WaysIn = z.infer<typeof WaysIn>;

export const MyWaysIn = z.object({
	has_password: z.boolean(),
	has_totp: z.boolean(),
	linked: z.array(z.object({ id: z.string(), provider: z.string(), linked_at: z.string() })),
	passkeys: z.array(
		z.object({ id: z.string(), name: z.string().nullable(), created_at: z.string().nullable() })
	)
});
export type MyWaysIn = z.infer<typeof MyWaysIn>;

export const Session = z.object({
	id: z.uuid(),
	is_current: z.boolean(),
	created_at: z.string(),
	last_used_at: z.string(),
	address: z.string().nullable(),
	user_agent: z.string().nullable()
});
export type Session = z.infer<typeof Session>;

const Entered = z.object({ twoFactorRedirect: z.boolean().default(false) });
const Elsewhere = z.object({ url: z.url() });
const TotpMade = z.object({ totpURI: z.string(), backupCodes: z.array(z.string()) });
export type TotpMade = z.infer<typeof TotpMade>;

const isObject = (value: unknown) => typeof value === 'object' && value !== null;
/** The library that takes them judges them. */
const CreationOptions = z.custom<PublicKeyCredentialCreationOptionsJSON>(isObject);
const RequestOptions = z.custom<PublicKeyCredentialRequestOptionsJSON>(isObject);

/** Where a provider sends the browser back to. */
export interface Return {
	callbackURL: string;
	errorCallbackURL: string;
}

export const securityCalls = (call: Call) => ({
	ways: () => call('GET', '/v1/sign-in', WaysIn),
	/** Answers whether a code is asked for next. */
	signIn: async (email: string, password: string): Promise<boolean> =>
		(await call('POST', '/auth/sign-in/email', Entered, { email, password })).twoFactorRedirect,
	enterCode: (code: string, trustDevice: boolean) =>
		call('POST', '/auth/two-factor/verify-totp', z.unknown(), { code, trustDevice }),
	enterRecoveryCode: (code: string, trustDevice: boolean) =>
		call('POST', '/auth/two-factor/verify-backup-code', z.unknown(), { code, trustDevice }),
	passkeyChallenge: () =>
		call('GET', '/auth/passkey/generate-authenticate-options', RequestOptions),
	enterPasskey: (response: AuthenticationResponseJSON) =>
		call('POST', '/auth/passkey/verify-authentication', z.unknown(), { response }),
	/** Answers the provider's address. */
	through: async (provider: string, back: Return, invitation?: string): Promise<string> =>
		(
			await call('POST', '/auth/sign-in/social', Elsewhere, {
				...{ provider, ...back },
				...(invitation === undefined ? {} : { invitation })
			})
		).url,

	mine: () => call('GET', '/v1/sign-in/mine', MyWaysIn),
	changePassword: (currentPassword: string, newPassword: string, revokeOtherSessions: boolean) =>
		call('POST', '/auth/change-password', z.unknown(), {
			...{ currentPassword, newPassword, revokeOtherSessions }
		}),
	makeTotp: (password: string) => call('POST', '/auth/two-factor/enable', TotpMade, { password }),
	confirmTotp: (code: string) =>
		call('POST', '/auth/two-factor/verify-totp', z.unknown(), { code }),
	dropTotp: (password: string) =>
		call('POST', '/auth/two-factor/disable', z.unknown(), { password }),
	remakeRecoveryCodes: async (password: string): Promise<string[]> =>
		(
			await call(
				'POST',
				'/auth/two-factor/generate-backup-codes',
				TotpMade.pick({ backupCodes: true }),
				{ password }
			)
		).backupCodes,
	passkeyOffer: () => call('GET', '/auth/passkey/generate-register-options', CreationOptions),
	addPasskey: (response: RegistrationResponseJSON, name: string) =>
		call('POST', '/auth/passkey/verify-registration', z.unknown(), { response, name }),
	renamePasskey: (id: string, name: string) =>
		call('POST', '/auth/passkey/update-passkey', z.unknown(), { id, name }),
	dropPasskey: (id: string) => call('POST', '/auth/passkey/delete-passkey', z.unknown(), { id }),
	link: async (provider: string, back: Return): Promise<string> =>
		(await call('POST', '/auth/link-social', Elsewhere, { provider, ...back })).url,
	unlink: (accountId: string) => call('POST', '/auth/unlink-account', z.unknown(), { accountId }),

	sessions: () => call('GET', '/v1/sessions', listOf(Session)),
	endSession: (id: string) => call('DELETE', `/v1/sessions/${id}`, z.unknown()),
	endOtherSessions: () => call('DELETE', '/v1/sessions', z.unknown(), { keep_current: true })
});
