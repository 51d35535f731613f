/**
 * What becomes of a message that was found genuine, by whatever road it came: a webhook, a socket,
 * a poll. The bus judges each draft, what is whole is recorded, what may be a part waits in the
 * database for the rest.
 *
 * - Resolves after COMMIT, and only then may the message be acknowledged.
 * - Rejects with what the ports rejected with. `unavailable` (the database is away): nothing is
 *   known to be stored, take the same again until it resolves; the keys make that harmless.
 * - Drafts that the bus refuses cost only themselves: an adapter's fault, which a second delivery
 *   would not mend.
 */
import { Draft } from '../bus/index.ts';
import type { DeliveryOutcome, Recorded } from './answer.ts';
import { gatheringName, type Arrival, type Part } from './gather.ts';
import type { Platform, Reading } from './platform.ts';

export type { Arrival } from './gather.ts';

export interface TakePorts {
	/** Resolves after COMMIT; one result for each draft, in order. */
	record(accountId: string, drafts: Draft[]): Promise<readonly Recorded[]>;
	/** The same for parts: `gathered` or `duplicate`. */
	gather(accountId: string, parts: Part[]): Promise<readonly Recorded[]>;
}

export interface Taken {
	/** Never `forged`, `stale`, `unknown_channel` or `failed`: those are the door's own. */
	readonly outcome: DeliveryOutcome;
	/** One for each draft that the bus took. */
	readonly recorded: readonly Recorded[];
	/** Why nothing, or not all of it, was stored; for the delivery log. */
	readonly reason: string | null;
}

/**
 * Takes what a platform said to one connection. `said`: what its adapter read, or drafts that were
 * made otherwise (a poll's).
 */
export async function take(
	platform: Pick<Platform, 'name'>,
	connection: { readonly account_id: string },
	said: Reading | readonly Arrival[],
	ports: TakePorts
): Promise<Taken> {
	const reading: Reading = isList(said) ? { kind: 'events', drafts: said } : said;
	switch (reading.kind) {
		case 'malformed':
		case 'ignored':
			return { outcome: reading.kind, recorded: [], reason: reading.reason };
		case 'challenge':
			return { outcome: 'challenge', recorded: [], reason: null };
		case 'revoked':
			return {
				outcome: 'revoked',
				recorded: [],
				reason: `${reading.subscription}: ${reading.reason}`
			};
		case 'events':
			return takeDrafts(platform, connection, reading.drafts, ports);
	}
}

const isList = (said: Reading | readonly Arrival[]): said is readonly Arrival[] =>
	Array.isArray(said);

async function takeDrafts(
	platform: Pick<Platform, 'name'>,
	{ account_id }: { readonly account_id: string },
	arrivals: readonly Arrival[],
	ports: TakePorts
): Promise<Taken> {
	const { drafts, parts, refused } = parse(platform, arrivals);
	if (drafts.length + parts.length === 0)
		return { outcome: 'ignored', recorded: [], reason: refused ?? 'it says nothing' };
	const recorded = drafts.length === 0 ? [] : await ports.record(account_id, drafts);
	const gathered = parts.length === 0 ? [] : await ports.gather(account_id, parts);
	const results = [...recorded, ...gathered];
	if (results.length !== drafts.length + parts.length)
		throw new Error(
			`${results.length} results for ${drafts.length} drafts and ${parts.length} parts`
		);
	return { outcome: outcomeOf(results), recorded: results, reason: refused };
}

/** The bus has the last word on what an event may look like. */
function parse({ name }: Pick<Platform, 'name'>, arrivals: readonly Arrival[]) {
	const drafts: Draft[] = [];
	const parts: Part[] = [];
	let refused: string | null = null;
	for (const arrival of arrivals) {
		const draft = Draft.safeParse(arrival);
		if (!draft.success) {
			const [issue] = draft.error.issues;
			refused = `no event: ${issue?.path.join('.')} ${issue?.message}`.slice(0, 500);
		} else if (draft.data.platform !== name) {
			refused = `no event: platform ${draft.data.platform} is not ${name}`;
		} else if (arrival.part === undefined) drafts.push(draft.data);
		else {
			const { about } = arrival.part;
			parts.push({ name: gatheringName(name, arrival.part), about, draft: draft.data });
		}
	}
	return { drafts, parts, refused };
}

/** What became of all of it: the event that is new, else the part that waits. */
export function outcomeOf(results: readonly Recorded[]): Recorded['outcome'] {
	for (const outcome of ['recorded', 'gathered'] as const)
		if (results.some((result) => result.outcome === outcome)) return outcome;
	return 'duplicate';
}
