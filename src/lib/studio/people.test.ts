import { describe, expect, it } from 'vitest';
import { roles } from '$lib/bus';
import {
	nameOf,
	rolesWithin,
	stateOf,
	whyNotChange,
	whyNotLeave,
	whyNotTransfer
} from './people.ts';
import type { Invitation, Member } from './people-calls.ts';
import { AT, uuid } from './test-builders.ts';

const aMember = (change: Partial<Member> = {}): Member => ({
	...{ user_id: uuid(5), name: 'Mara', email: 'mara@example.com', role: 'moderator' },
	...{ is_you: false, created_at: AT },
	...change
});

describe('who may do what to whom', () => {
	it('nobody gives a role that may more than theirs', () => {
		expect(roles.map(rolesWithin)).toEqual([
			['owner', 'administrator', 'moderator'],
			['administrator', 'moderator'],
			['moderator']
		]);
	});

	it('nobody changes their own role, or that of one who may more', () => {
		expect(whyNotChange(aMember({ is_you: true }), 'owner')).toBe('self');
		expect(whyNotChange(aMember({ role: 'owner' }), 'administrator')).toBe('more');
		expect(whyNotChange(aMember({ role: 'administrator' }), 'administrator')).toBeNull();
		expect(whyNotChange(aMember({ role: 'owner' }), 'owner')).toBeNull();
	});

	it('the last owner stays; with a second one the first may go', () => {
		const me = aMember({ role: 'owner', is_you: true });
		const other = aMember({ user_id: uuid(6) });
		expect(whyNotLeave(me, [me, other])).toBe('lastOwner');
		expect(whyNotLeave(me, [me, { ...other, role: 'owner' }])).toBeNull();
		expect(whyNotLeave({ ...me, role: 'moderator' }, [me])).toBeNull();
	});

	it('only an owner hands the account on', () => {
		expect(roles.map(whyNotTransfer)).toEqual([null, 'ownerOnly', 'ownerOnly']);
	});
});

it('tells what has become of an invitation', () => {
	const invitation: Invitation = {
		...{ id: uuid(9), role: 'moderator', note: null, created_at: AT, revoked_at: null },
		...{ accepted_at: null, accepted_by: null, expires_at: '2026-11-27T20:00:00.000Z' }
	};
	const now = Date.parse(AT);
	expect(stateOf(invitation, now)).toBe('open');
	expect(stateOf(invitation, Date.parse(invitation.expires_at))).toBe('expired');
	expect(stateOf({ ...invitation, revoked_at: AT }, now)).toBe('revoked');
	expect(stateOf({ ...invitation, accepted_at: AT }, Date.parse('2027-01-01'))).toBe('accepted');
});

it('calls a member by name, else by e-mail', () => {
	expect(nameOf(aMember())).toBe('Mara');
	expect(nameOf(aMember({ name: ' ' }))).toBe('mara@example.com');
	expect(nameOf(aMember({ name: null, email: null }))).toBeNull();
});
