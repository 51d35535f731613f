/** What a rule of the policy means for a subject: the status of REST and GraphQL, the SQLSTATE of SQL. */
import type { Permission } from '../../src/lib/bus/permission.ts';
import type { RestRule, Rule, SqlRule } from './policy.ts';
import type { Subject } from './subjects.ts';
import type { State, Touched, World } from './world.ts';

/** Of those permissions, who lacks one; of a pair, who lacks both. */
const misses = (rule: Rule, subject: Subject): boolean =>
	rule.who !== 'member' &&
	((lacks(subject, rule.who) && (rule.or === undefined || lacks(subject, rule.or))) ||
		lacks(subject, rule.also));

const lacks = ({ holds }: Subject, ...needed: (string | undefined)[]) =>
	needed.some((one) => one !== undefined && ![...holds].some((held: Permission) => held === one));

/** What an address says. */
export function statusFor(rule: RestRule, subject: Subject, state: State): number {
	const { standing, isPerson } = subject;
	const done = rule.status ?? 200;
	const instead = rule.except?.[subject.name];
	if (instead !== undefined) return instead;
	if (rule.who === 'anyone') {
		if (rule.says === undefined) return done;
		return rule.says[standing === 'anonymous' ? 'anonymous' : isPerson ? 'person' : 'other'];
	}
	if (standing === 'anonymous') return 401;
	if ((rule.who === 'page') !== (standing === 'page')) return 403;
	const isFound = rule.object === undefined || state === 'own';
	if (rule.who === 'page') {
		if (subject.page === 'ended') return 410;
		return isFound ? done : 404;
	}
	if (rule.who === 'signed-in') {
		if (rule.person !== undefined && !isPerson) return rule.person;
		if (rule.inAccount && standing === 'nowhere') return 403;
		return isFound ? done : 404;
	}
	// Said before the account is looked for.
	const isForKeys = rule.person === undefined || isPerson;
	if ((rule.object === 'account' || rule.personFirst) && !isForKeys) return 403;
	if (standing === 'nowhere') {
		if (rule.documented === 'signed-in') return done;
		return rule.object === 'account' ? 404 : 403;
	}
	if (standing === 'stranger') return 404;
	if (rule.objectFirst && !isFound) return 404;
	if (rule.finds !== undefined && lacks(subject, rule.finds)) return 403;
	if (rule.finds !== undefined && !isFound) return 404;
	if (misses(rule, subject)) return 403;
	if (!isForKeys) return rule.person ?? 403;
	if (rule.operator && subject.home !== 'mine') return 403;
	return isFound ? done : 404;
}

/** Where a statement is aimed: an object of one's own account, or all of another account. */
export type Aim = State | 'elsewhere';

/** What SQL says: `00000` when it is done. */
export function sqlstateFor(rule: SqlRule, subject: Subject, aim: Aim): string {
	const { standing, isPerson } = subject;
	if (standing === 'anonymous') return '42501';
	const isFound = aim === 'own' || (rule.object === undefined && aim !== 'elsewhere');
	if (rule.who === 'signed-in') {
		const isHere = isPerson && subject.name !== 'owner whose session ended';
		return rule.person !== undefined && !isHere ? 'CU403' : (rule.refuses ?? '00000');
	}
	if (standing === 'page' && (rule.who === 'page' || rule.orPage)) {
		if (aim !== 'own') return 'CU404';
		return subject.page === 'ended' ? 'CU410' : '00000';
	}
	if (rule.who === 'page' || standing !== 'related' || aim === 'elsewhere') return 'CU404';
	if ((rule.objectFirst || rule.orPage) && !isFound) return 'CU404';
	if (misses(rule, subject)) return 'CU403';
	if (rule.person !== undefined && !isPerson) return `CU${rule.person}`;
	if (rule.operator && subject.home !== 'mine') return 'CU403';
	return isFound ? (rule.refuses ?? '00000') : 'CU404';
}

/** What was written and should not have been: other tables than the rule's, or others' rows. */
export function trespasses(
	rule: Rule,
	subject: Subject,
	{ places }: World,
	touched: Touched,
	isAllowed: boolean
): string[] {
	const { account_id, overlay_id, other_overlay_id } = places[subject.home];
	const ours = (owner: string) =>
		owner === '*' || [account_id, overlay_id, other_overlay_id].some((id) => owner.endsWith(id));
	const other = places[subject.home === 'mine' ? 'theirs' : 'mine'];
	const theirs = (owner: string) => Object.values(other).some((id) => owner.endsWith(id));
	const mayWrite = new Set(
		rule.writes === undefined ? [] : [...rule.writes, 'app.audit_log', 'realtime.messages']
	);
	return touched
		.filter(
			([table, owner]) =>
				!isAllowed ||
				!mayWrite.has(table) ||
				theirs(owner) ||
				!(ours(owner) || table === 'realtime.messages')
		)
		.map(([table, owner]) => `wrote ${table} of ${owner}`);
}
