/** Everybody who may come to a door, and what they hold. The oracle knows them by this alone. */
import { randomUUID } from 'node:crypto';
import { permissions, rolePermissions, type Permission } from '../../src/lib/bus/permission.ts';
import { ANONYMOUS, type Principal } from '../../src/lib/server/actions/principal.ts';
import { makeKey } from '../../src/lib/server/secrets.ts';
import type { Sql } from '../../src/lib/server/backend/index.ts';

export type Side = 'mine' | 'theirs';
export interface Place {
	account_id: string;
	overlay_id: string;
	other_overlay_id: string;
}

export interface Subject {
	name: string;
	principal: Principal;
	/** The account in which they act. */
	home: Side;
	/** What they hold there. */
	holds: ReadonlySet<Permission>;
	/** `related`: belongs to home. `stranger`: claims to. `nowhere`: is in no account. */
	standing: 'related' | 'stranger' | 'nowhere' | 'anonymous' | 'page';
	isPerson: boolean;
	/** Of an overlay's page: whether its key still opens it. */
	page: 'live' | 'ended' | null;
}

const none: ReadonlySet<Permission> = new Set();
const HOUR_MS = 3_600_000;

/** Makes the users, members, sessions and keys. */
export async function makeSubjects(sql: Sql, mine: Place, theirs: Place, people: People) {
	const subjects: Subject[] = [
		{
			...{ name: 'anonymous', principal: ANONYMOUS, home: 'mine', holds: none },
			...{ standing: 'anonymous', isPerson: false, page: null }
		}
	];
	const person = async (
		name: string,
		user_id: string,
		rest: Pick<Subject, 'home' | 'holds' | 'standing'> & { account_id?: string | null },
		isSignedIn = true
	) => {
		const session_id = randomUUID();
		if (isSignedIn) await makeSession(sql, user_id, session_id);
		const { account_id = (rest.home === 'mine' ? mine : theirs).account_id, ...known } = rest;
		subjects.push({
			...{ name, ...known, isPerson: true, page: null },
			principal: {
				...{ kind: 'member', user_id, session_id, account_id },
				...{ name, email: `${user_id}@example.com` }
			}
		});
	};
	const owns = { home: 'mine', standing: 'related', holds: new Set(permissions) } as const;
	await person('owner', people.owner, owns);
	await person('administrator', people.administrator, {
		...owns,
		holds: new Set(rolePermissions.administrator)
	});
	const moderates = { ...owns, holds: new Set(rolePermissions.moderator) };
	await person('moderator', people.moderator, moderates);
	await person('owner of another account', people.stranger, { ...owns, home: 'theirs' });
	await person('stranger who claims this account', people.stranger, {
		...{ home: 'mine', standing: 'stranger', holds: none }
	});
	await person('moderator here, at work elsewhere', people.both, { ...owns, home: 'theirs' });
	await person('removed member with a session', people.removed, {
		...{ home: 'mine', standing: 'stranger', holds: none }
	});
	await person(
		'owner whose session ended',
		people.owner,
		{
			...{ home: 'mine', standing: 'stranger', holds: none }
		},
		false
	);
	await person('person of no account', people.nobody, {
		...{ home: 'mine', standing: 'nowhere', holds: none, account_id: null }
	});

	const key = async (
		name: string,
		kind: 'api' | 'remote' | 'ingest',
		given: readonly Permission[],
		more: {
			by?: string;
			holds?: readonly Permission[];
			home?: Side;
			revoked?: boolean;
			ended?: boolean;
		} = {}
	) => {
		const { by = people.owner, holds = given, home = 'mine', revoked, ended } = more;
		const { account_id } = home === 'mine' ? mine : theirs;
		const id = await insertKey(sql, {
			...{ account_id, kind, given, by, overlay_id: null },
			...{ revoked: revoked === true, ended: ended === true }
		});
		const isLive = !(revoked ?? ended);
		subjects.push({
			...{ name, home, isPerson: false, page: null },
			principal: { kind, key_id: id, account_id },
			holds: isLive ? new Set(holds) : none,
			standing: isLive ? 'related' : 'stranger'
		});
	};
	await key('key with everything', 'api', permissions);
	for (const permission of permissions)
		await key(`key with ${permission} alone`, 'api', [permission]);
	await key('key of a moderator with everything', 'api', permissions, {
		...{ by: people.moderator, holds: rolePermissions.moderator }
	});
	await key('key of a removed member', 'api', permissions, { by: people.removed, holds: [] });
	await key('revoked key', 'api', permissions, { revoked: true });
	await key('rotated key after its overlap', 'api', permissions, { ended: true });
	await key('key of another account', 'api', permissions, {
		...{ by: people.stranger, home: 'theirs' }
	});
	await key('phone', 'remote', [
		'events:read',
		'events:userinfo',
		'queue:control',
		'overlays:read'
	]);
	await key('ingest key', 'ingest', ['events:create']);

	const page = async (name: string, home: Side, place: Place, overlay_id: string, state = {}) => {
		const { account_id } = place;
		const given = { revoked: false, ended: false, ...state };
		const key_id = await insertKey(sql, {
			...{ account_id, kind: 'overlay', given: [], by: people.owner, overlay_id, ...given }
		});
		subjects.push({
			...{ name, home, holds: none, standing: 'page', isPerson: false },
			page: given.revoked || given.ended ? 'ended' : 'live',
			principal: {
				...{ kind: 'overlay', key_id, account_id, overlay_id },
				expires_at: Date.now() + HOUR_MS
			}
		});
	};
	await page('page', 'mine', mine, mine.overlay_id);
	await page('page of another overlay', 'mine', mine, mine.other_overlay_id);
	await page('page of another account', 'theirs', theirs, theirs.overlay_id);
	await page('page whose key was revoked', 'mine', mine, mine.overlay_id, { revoked: true });
	await page('page whose rotated key ended', 'mine', mine, mine.overlay_id, { ended: true });
	return subjects;
}

export interface People {
	owner: string;
	administrator: string;
	moderator: string;
	both: string;
	stranger: string;
	removed: string;
	nobody: string;
}

export const makeSession = (sql: Sql, user_id: string, id: string) => sql`
	insert into identity."session" (id, "expiresAt", token, "updatedAt", "userId")
	values (${id}, now() + interval '1 day', ${id}, now(), ${user_id})`;

export async function insertKey(
	sql: Sql,
	key: {
		account_id: string;
		kind: string;
		given: readonly Permission[];
		by: string;
		overlay_id: string | null;
		revoked: boolean;
		ended: boolean;
	}
): Promise<string> {
	const { hash, hint } = makeKey('api');
	const id = randomUUID();
	await sql`
		insert into app.keys (id, account_id, kind, name, hint, overlay_id, permissions, token_hash,
			created_by, created_at, revoked_at, ends_at)
		values (${id}, ${key.account_id}, ${key.kind}, 'A key', ${hint}, ${key.overlay_id},
			${[...key.given]}, ${hash}, ${key.by}, now() - interval '1 day',
			${key.revoked ? new Date() : null}, ${key.ended ? new Date(Date.now() - 60_000) : null})`;
	return id;
}
