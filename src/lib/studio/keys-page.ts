/** What the keys page offers and how it narrows its list. Pure. */
import type { Permission } from '$lib/bus';
import type { Key } from './answers.ts';

/** Permissions in the order and company in which a person thinks of them. */
export const permissionGroups = {
	events: ['events:read', 'events:userinfo', 'events:create', 'events:delete'],
	show: ['queue:control', 'plays:approve'],
	overlays: ['overlays:read', 'overlays:edit', 'overlays:keys'],
	channels: ['connections:read', 'connections:edit', 'spotify:read', 'spotify:worker'],
	account: ['members:read', 'members:edit', 'keys:edit', 'audit:read', 'account:manage']
} as const satisfies Record<string, readonly Permission[]>;

const groupNames = ['events', 'show', 'overlays', 'channels', 'account'] as const;

/** The groups with those permissions only that whoever makes the key has. */
export const offeredTo = (may: (permission: Permission) => boolean) =>
	groupNames
		.map((name) => ({ name, permissions: permissionGroups[name].filter(may) }))
		.filter(({ permissions }) => permissions.length > 0);

/** How long an old secret may go on working, in minutes. */
export const overlaps = ['0', '60', '1440', '10080'] as const;

/** Keys of a kind (all when empty) with this in their name, whatever the case. */
export function narrow(keys: readonly Key[], kind: string, search: string): Key[] {
	const wanted = search.trim().toLocaleLowerCase();
	return keys.filter(
		(key) =>
			(kind === '' || key.kind === kind) &&
			(key.name.toLocaleLowerCase().includes(wanted) || key.hint === search.trim())
	);
}

/** Whether a key may less than it was given. */
export const isNarrowed = ({ permissions, effective_permissions: now }: Key): boolean =>
	now != null && (permissions ?? []).some((permission) => !now.includes(permission));
