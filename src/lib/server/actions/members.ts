/** Who belongs to the account, and what they are in it. The rules are in SQL. */
import { z } from 'zod';
import { Role } from '$lib/bus/permission.ts';
import * as members from '$lib/server/backend/statements/members.ts';
import { defineAction } from './define.ts';
import { Id, listed } from './fields.ts';
import { accountOf } from './principal.ts';

const list = defineAction({
	id: 'members.list',
	summary: 'Lists the members of the account, owners first.',
	method: 'GET',
	path: '/members',
	permission: 'members:read',
	input: z.strictObject({}),
	output: listed(members.Member),
	run: async ({ as, principal }) => ({
		items: await as((sql) => members.listMembers(sql, accountOf(principal)))
	})
});

const change = defineAction({
	id: 'members.role',
	summary: 'Gives a member another role: nobody their own, nobody more than they have.',
	method: 'PUT',
	path: '/members/{id}',
	permission: 'members:edit',
	input: z.strictObject({ id: Id, role: Role }),
	output: members.Member,
	run: ({ as, principal }, { id, role }) =>
		as((sql) => members.changeRole(sql, accountOf(principal), id, role))
});

const remove = defineAction({
	id: 'members.remove',
	summary: 'Takes a member out of the account; what they have open closes at once.',
	method: 'DELETE',
	path: '/members/{id}',
	permission: 'members:edit',
	input: z.strictObject({ id: Id }),
	output: members.Gone,
	run: ({ as, principal }, { id }) =>
		as((sql) => members.removeMember(sql, accountOf(principal), id))
});

const leave = defineAction({
	id: 'members.leave',
	summary: 'Leaves the account; its last owner cannot.',
	method: 'POST',
	path: '/members/leave',
	permission: 'signed-in',
	input: z.strictObject({}),
	output: members.Gone,
	run: ({ as, principal }) => as((sql) => members.leaveAccount(sql, accountOf(principal)))
});

const transfer = defineAction({
	id: 'members.transfer',
	summary: 'Makes another member the owner, and you an administrator.',
	method: 'POST',
	path: '/members/{id}/transfer',
	permission: 'account:manage',
	input: z.strictObject({ id: Id }),
	output: members.Member,
	run: ({ as, principal }, { id }) =>
		as((sql) => members.transferOwnership(sql, accountOf(principal), id))
});

export const memberActions = [list, change, remove, leave, transfer];
