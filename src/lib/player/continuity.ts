/**
 * Whether a page has heard everything about its queue. Each message carries the queue's `rev`, and
 * revs have no holes: up to `rev` all is known, `ahead` are those heard beyond a hole, `promised`
 * is the highest that any answer of the server mentioned. Being behind means: pull.
 */
export interface Continuity {
	/** Everything up to here is known; null before the first pull. */
	readonly rev: number | null;
	readonly ahead: ReadonlySet<number>;
	readonly promised: number;
}

export const nothingHeard: Continuity = { rev: null, ahead: new Set(), promised: 0 };

/** Beyond this many messages after a hole their numbers are not worth keeping: the pull tells all. */
const AHEAD_LIMIT = 1_000;

function absorb(rev: number, ahead: ReadonlySet<number>): Pick<Continuity, 'rev' | 'ahead'> {
	let top = rev;
	while (ahead.has(top + 1)) top += 1;
	return { rev: top, ahead: new Set([...ahead].filter((other) => other > top)) };
}

/** A message with this rev came in. */
export function heard(continuity: Continuity, rev: number): Continuity {
	const promised = Math.max(continuity.promised, rev);
	if (continuity.rev !== null && rev === continuity.rev + 1)
		return { promised, ...absorb(rev, continuity.ahead) };
	if (continuity.rev !== null && rev <= continuity.rev) return continuity;
	const ahead = continuity.ahead.size < AHEAD_LIMIT ? continuity.ahead : [];
	return { ...continuity, promised, ahead: new Set([...ahead, rev]) };
}

/** A pull told everything up to this rev. */
export function pulledUpTo(continuity: Continuity, rev: number): Continuity {
	if (continuity.rev !== null && rev < continuity.rev) return continuity;
	return { promised: Math.max(continuity.promised, rev), ...absorb(rev, continuity.ahead) };
}

/** An answer of the server mentioned this rev. */
export const promisedUpTo = (continuity: Continuity, rev: number): Continuity =>
	rev > continuity.promised ? { ...continuity, promised: rev } : continuity;

/** Whether the message of this rev tells nothing new. */
export const isStale = (continuity: Continuity, rev: number): boolean =>
	(continuity.rev !== null && rev <= continuity.rev) || continuity.ahead.has(rev);

/** Whether messages are known to be missing. */
export const isBehind = ({ rev, promised }: Continuity): boolean => rev !== null && rev < promised;

/** Whether a message jumped over another: no use in waiting for it, channels keep order. */
export const hasHole = ({ rev, ahead }: Continuity): boolean => rev !== null && ahead.size > 0;
