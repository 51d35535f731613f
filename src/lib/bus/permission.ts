/** What one may do. SQL holds the same lists (app.role_permissions); a test compares them. */
import { z } from 'zod';

export const permissions = [
	'events:read',
	'events:create',
	'events:delete',
	'events:userinfo',
	'queue:control',
	'plays:approve',
	'overlays:read',
	'overlays:edit',
	'overlays:keys',
	'spotify:read',
	'spotify:worker',
	'connections:read',
	'connections:edit',
	'members:read',
	'members:edit',
	'keys:edit',
	'audit:read',
	'account:manage'
] as const;
export const Permission = z.enum(permissions);
export type Permission = z.infer<typeof Permission>;

export const roles = ['owner', 'administrator', 'moderator'] as const;
export const Role = z.enum(roles);
export type Role = z.infer<typeof Role>;

export const rolePermissions: Record<Role, readonly Permission[]> = {
	owner: permissions,
	administrator: permissions.filter((permission) => permission !== 'account:manage'),
	moderator: [
		'events:read',
		'events:create',
		'events:userinfo',
		'queue:control',
		'plays:approve',
		'overlays:read',
		'spotify:read',
		'connections:read'
	]
};
