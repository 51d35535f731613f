/**
 * Asking a channel's owner for consent, and taking what they gave.
 *
 *   code:    begin → browser to the platform → callback with code and state → tokens
 *   device:  begin → the owner types a short code anywhere → we ask the platform now and then → tokens
 *
 * What it promises: a state serves once, within ten minutes, and only the member who began (stored
 * as its hash, bound to account and member); a device code is sealed, asked about by one process at
 * a time and never more often than the platform wants; whoever began must still be allowed to
 * connect when the consent comes.
 */
import { randomBytes } from 'node:crypto';
import { AppError } from '$lib/bus/error.ts';
import { claimsOf, type Principal } from '$lib/server/actions/principal.ts';
import type { CallResult } from '$lib/platforms/call.ts';
import type {
	Connect,
	ConnectFlow,
	ConnectionMode,
	EventGroup,
	Grant
} from '$lib/platforms/connect.ts';
import type { Claims, Database, TransactionSql } from '$lib/server/backend/index.ts';
import { requirePermission } from '$lib/server/backend/statements/accounts.ts';
import {
	awaitDevice,
	beginAuthorization,
	claimDevices,
	completeAuthorization,
	endAuthorization,
	takeAuthorization,
	type Authorization
} from '$lib/server/backend/statements/authorizations.ts';
import type { Connection } from '$lib/server/backend/statements/connections.ts';
import { hashKey, type SecretBox } from '$lib/server/secrets.ts';
import { connectable, ownerOf, type ChosenClient } from './clients.ts';
import type { PlatformAccess } from './platform-access.ts';
import { sealGrant } from './tokens.ts';

const STATE_LASTS_S = 600;
/** Longer than asking and finding out whose channel it is may take. */
const DEVICE_LEASE_S = 60;
const DEVICES_AT_ONCE = 20;
/** A device code lasts no longer here, whatever the platform says. */
const DEVICE_LASTS_S = 3_600;

export interface Wish {
	account_id: string;
	platform: string;
	flow: ConnectFlow;
	/** null: those that the platform's folder recommends. */
	groups: readonly string[] | null;
	mode: ConnectionMode | null;
}

export interface Begun {
	id: string;
	flow: ConnectFlow;
	url: string | null;
	user_code: string | null;
	verification_uri: string | null;
	expires_at: string;
	interval_s: number | null;
}

interface Parts {
	access: PlatformAccess;
	database: Database;
	secrets: SecretBox;
	clock?: () => Date;
}

/** Runs statements as whoever asks. */
type As = <T>(run: (sql: TransactionSql) => Promise<T>) => Promise<T>;

/**
 * Where a platform sends the browser back to; to be registered there. On this machine by the one
 * name for which platforms allow plain HTTP; the callback then finds the way to the address in use.
 */
export const redirectUri = (origin: string, platform: string) =>
	`${origin.replace(/^http:\/\/127\.0\.0\.1(?=:|$)/, 'http://localhost')}/connect/${platform}/callback`;

/** A secret for webhooks, made by us: sealed for the connections of an account. */
export const makeWebhookSecret = (secrets: SecretBox, account_id: string, platform: string) =>
	secrets.seal(randomBytes(32).toString('base64url'), { account_id, provider: platform });

/** The flows that a client can be used in. */
export const flowsOf = (connect: Connect, client: { secret: string | null } | null) =>
	connect.flows.filter(
		(flow) => client === null || client.secret !== null || !connect.needsSecret.includes(flow)
	);

/** The groups by these ids. Throws `invalid_input` for one that the platform does not have. */
export function groupsOf(connect: Connect, ids: readonly string[] | null): EventGroup[] {
	if (ids === null) return connect.groups.filter(({ isDefault }) => isDefault);
	return [...new Set(ids)].map((id) => {
		const group = connect.groups.find((group) => group.id === id);
		if (group !== undefined) return group;
		const known = connect.groups.map((group) => group.id).join(', ');
		throw wrong('groups', `${id.slice(0, 60)} is none of ${known}`);
	});
}

/** Throws `invalid_input` for a mode that the platform does not have. */
export function requireMode(connect: Connect, mode: ConnectionMode | null): void {
	if (mode !== null && !connect.modes.includes(mode))
		throw wrong('mode', `${mode} is none of ${connect.modes.join(', ')}`);
}

const wrong = (path: string, message: string) =>
	new AppError('invalid_input', `${path}: ${message}`, { issues: [{ path, message }] });

const scopesOf = (groups: readonly EventGroup[]) => [
	...new Set(groups.flatMap(({ scopes }) => scopes))
];

export class Consents {
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	/** Begins to ask. Throws `AppError`. */
	async begin(as: As, wish: Wish, origin: string): Promise<Begun> {
		const { access } = this.#parts;
		const { account_id, platform: name, flow } = wish;
		const { connect, title } = connectable(name);
		// Before the platform is asked anything on the account's behalf.
		await as((sql) => requirePermission(sql, account_id, 'connections:edit'));
		const client = await access.clients.of(account_id, name);
		if (client === null) {
			const { id } = connect.client;
			throw new AppError(
				'conflict',
				`No client is configured for ${title}: store its Client ID, or start the server with ${id}.`
			);
		}
		if (!flowsOf(connect, client).includes(flow))
			throw wrong('flow', `${flow} is not possible with this client: it has no secret`);
		requireMode(connect, wish.mode);
		const groups = groupsOf(connect, wish.groups);
		const asked = { ...wish, groups: groups.map(({ id }) => id), scopes: scopesOf(groups) };
		return flow === 'code'
			? this.#beginCode(as, asked, connect, client, origin)
			: this.#beginDevice(as, asked, connect, client);
	}

	/**
	 * Takes what the platform sent the browser back with.
	 * @throws AppError not_found when this member did not begin it, gone when the state was used or
	 * is too old, forbidden when the owner declined, unavailable when the platform is away.
	 */
	async finishCode(
		principal: Principal,
		platform: string,
		{ state, code, error }: { state: string; code: string | null; error: string | null }
	): Promise<Connection> {
		const { access, database, clock } = this.#parts;
		const claims = claimsOf(principal);
		if (principal.kind !== 'member' || claims === null)
			throw new AppError('unauthenticated', 'Sign in where you began to connect.');
		const { connect } = connectable(platform);
		const begun = await database.as(claims, (sql) =>
			takeAuthorization(sql, hashKey(state), platform, clock?.())
		);
		if (code === null) {
			const isDenied = error === 'access_denied';
			await this.#end(begun, isDenied ? 'denied' : 'failed', error ?? 'no code came');
			throw isDenied
				? new AppError('forbidden', 'The consent was declined.')
				: new AppError('conflict', 'The platform sent no code.');
		}
		const client = await access.clients.of(begun.account_id, platform);
		if (client?.id !== begun.client_id) {
			await this.#end(begun, 'failed', 'client_changed');
			throw new AppError('gone', 'The client was changed meanwhile: begin again.');
		}
		const exchange = connect.exchangeCode(client, {
			code,
			redirect_uri: begun.redirect_uri ?? ''
		});
		const granted = await access.requests.make(callerOf(begun, connect, client), exchange);
		if (!granted.ok) throw await this.#fail(begun, granted);
		const finished = await this.#finish(begun, connect, client, granted.value);
		if (finished instanceof AppError) throw finished;
		return finished;
	}

	/** Asks about the device codes that are due; `authorizationId` null: all. How many. */
	async pollDevices(authorizationId: string | null, signal?: AbortSignal): Promise<number> {
		const { database, clock } = this.#parts;
		const due = await claimDevices(
			database.sql,
			authorizationId,
			DEVICES_AT_ONCE,
			DEVICE_LEASE_S,
			clock?.()
		);
		for (const begun of due) if (signal?.aborted !== true) await this.#pollDevice(begun);
		return due.length;
	}

	async #beginCode(
		as: As,
		wish: Wish & { groups: string[]; scopes: string[] },
		connect: Connect,
		client: ChosenClient,
		origin: string
	): Promise<Begun> {
		const state = randomBytes(32).toString('base64url');
		const redirect_uri = redirectUri(origin, wish.platform);
		const { id, expires_at } = await as((sql) =>
			beginAuthorization(
				sql,
				wish.account_id,
				{
					...wish,
					client_id: client.id,
					redirect_uri,
					state_hash: hashKey(state),
					device_ciphertext: null,
					interval_s: null,
					lasts_s: STATE_LASTS_S
				},
				this.#parts.clock?.()
			)
		);
		const url = connect.authorizeUrl(client, { redirect_uri, scopes: wish.scopes, state });
		const nothing = { user_code: null, verification_uri: null, interval_s: null };
		return { id, flow: 'code', url, ...nothing, expires_at };
	}

	async #beginDevice(
		as: As,
		wish: Wish & { groups: string[]; scopes: string[] },
		connect: Connect,
		client: ChosenClient
	): Promise<Begun> {
		const { access, secrets } = this.#parts;
		const { account_id, platform } = wish;
		const started = await access.requests.make(
			callerOf({ account_id, platform }, connect, client),
			connect.startDevice(client, wish.scopes)
		);
		if (!started.ok) throw refusedBy(started);
		const { device_code, user_code, verification_uri, expires_in_s, interval_s } = started.value;
		const sealed = secrets.seal(device_code, ownerOf.deviceCode(account_id, platform));
		const { id, expires_at } = await as((sql) =>
			beginAuthorization(
				sql,
				account_id,
				{
					...wish,
					client_id: client.id,
					redirect_uri: null,
					state_hash: null,
					device_ciphertext: sealed,
					interval_s: Math.min(interval_s, 600),
					lasts_s: Math.floor(Math.min(expires_in_s, DEVICE_LASTS_S))
				},
				this.#parts.clock?.()
			)
		);
		return { id, flow: 'device', url: null, user_code, verification_uri, expires_at, interval_s };
	}

	async #pollDevice(begun: Authorization): Promise<void> {
		const { access, database, secrets, clock } = this.#parts;
		const { connect } = connectable(begun.platform);
		const client = await access.clients.of(begun.account_id, begun.platform);
		const owner = ownerOf.deviceCode(begun.account_id, begun.platform);
		const device_code =
			begun.device_ciphertext === null ? null : secrets.open(begun.device_ciphertext, owner);
		if (client?.id !== begun.client_id || device_code === null)
			return this.#end(begun, 'failed', device_code === null ? 'unreadable' : 'client_changed');
		const { scopes } = begun;
		const polled = await access.requests.make(
			callerOf(begun, connect, client),
			connect.pollDevice(client, { device_code, scopes })
		);
		if (!polled.ok) {
			if (polled.failure === 'unavailable' || polled.failure === 'rate_limited')
				return awaitDevice(database.sql, begun.id, true, clock?.());
			await this.#fail(begun, polled);
			return;
		}
		const { value } = polled;
		switch (value.state) {
			case 'granted':
				await this.#finish(begun, connect, client, value.grant);
				return;
			case 'pending':
			case 'slow_down':
				return awaitDevice(database.sql, begun.id, value.state === 'slow_down', clock?.());
			case 'denied':
			case 'expired':
				return this.#end(begun, value.state, null);
		}
	}

	/** Finds out whose channel it is and stores the connection, as the one who began. */
	async #finish(
		begun: Authorization,
		connect: Connect,
		client: ChosenClient,
		grant: Grant
	): Promise<Connection | AppError> {
		const { access, database, secrets, clock } = this.#parts;
		const { account_id, platform } = begun;
		const { access_token, scopes } = grant;
		const identified = await access.requests.make(
			callerOf(begun, connect, client),
			connect.identify({ ...client, access_token })
		);
		if (!identified.ok) return this.#fail(begun, identified);
		const channel = identified.value;
		const of = { account_id, platform, channel_id: channel.channel_id };
		const { expires_at, ...sealed } = sealGrant(secrets, of, grant, clock?.() ?? new Date());
		const granted = groupsOf(connect, begun.groups).filter((group) =>
			group.scopes.every((scope) => scopes.includes(scope))
		);
		try {
			return await database.as(claimsOfBeginner(begun), (sql) =>
				completeAuthorization(
					sql,
					begun.id,
					{
						channel,
						scopes,
						groups: granted.map(({ id }) => id),
						default_mode: connect.modes[0] ?? 'poll',
						...sealed,
						expires_at,
						secret_ciphertext: makeWebhookSecret(secrets, account_id, platform)
					},
					clock?.()
				)
			);
		} catch (error) {
			if (!(error instanceof AppError)) throw error;
			await this.#end(begun, 'failed', error.message);
			return error;
		}
	}

	/** Ends a consent that the platform refused, and says so. */
	async #fail(
		begun: Authorization,
		refused: Extract<CallResult<never>, { ok: false }>
	): Promise<AppError> {
		await this.#end(begun, 'failed', refused.reason);
		return refusedBy(refused);
	}

	#end(begun: Authorization, status: 'denied' | 'expired' | 'failed', reason: string | null) {
		const { database, clock } = this.#parts;
		return endAuthorization(database.sql, begun.id, status, reason, clock?.());
	}
}

/** OAuth's own calls cost nobody's points. */
const callerOf = (
	{ account_id, platform }: { account_id: string; platform: string },
	connect: Connect,
	client: ChosenClient
) => ({ account_id, platform, connection_id: null, connect, client, user: 'oauth' });

function refusedBy({
	failure,
	reason,
	retry_after_s
}: Extract<CallResult<never>, { ok: false }>): AppError {
	if (failure === 'unavailable' || failure === 'rate_limited')
		return new AppError('unavailable', `The platform does not answer for the moment: ${reason}`, {
			retryAfter: retry_after_s ?? 5
		});
	return new AppError('conflict', `The platform refuses: ${reason}`);
}

/** The claims of whoever began: what they may do is judged anew when the consent comes. */
function claimsOfBeginner({ actor_kind, actor_id, account_id }: Authorization): Claims {
	const base = { sub: actor_id, role: 'authenticated', aud: 'authenticated' } as const;
	return actor_kind === 'member'
		? { ...base, kind: 'member' }
		: { ...base, kind: actor_kind, key_id: actor_id, account_id };
}
