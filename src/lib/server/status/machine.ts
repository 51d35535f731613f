/**
 * Whether a channel is live, judged from what was seen of it: by asking the platform again and
 * again, and by events. Pure: one observation in, the new memory and what follows from it out.
 *
 * What it promises:
 * - An event is believed at once, and one that is older than what is known changes nothing.
 * - A stream that is no longer listed ends only after it was missing long and often enough: a list
 *   that flaps ends nothing. A question that failed is no observation at all.
 * - The list lags behind events: it does not undo an event for `lag_s`.
 * - A stream that was taken for ended and is listed again is live again; its events are in the log
 *   once all the same, as they carry the stream's own key.
 */
import { z } from 'zod';
import type { StatusPatience, StreamFacts } from '$lib/platforms/channel-status.ts';

/** Which stream it is. Milliseconds since 1970 for all times. */
const Stream = z.object({ id: z.string().nullable(), started_at: z.number() });
type Stream = z.infer<typeof Stream>;

/** What is remembered between observations; stored as it is. */
export const Watch = z
	.object({
		/** The stream that is live; null: none is. */
		live: Stream.extend({
			/** When an event announced it, until the list had it for the first time; else null. */
			announced_at: z.number().nullable(),
			/** When it began to be missing from the list, and how often it has been since. */
			absent_since: z.number().nullable(),
			absences: z.int().nonnegative()
		}).nullable(),
		/** The last stream that ended. `is_told`: an event said so, else it was just gone. */
		ended: Stream.extend({ at: z.number(), is_told: z.boolean() }).nullable()
	})
	.catch({ live: null, ended: null });
export type Watch = z.infer<typeof Watch>;

export const NOTHING_KNOWN: Watch = { live: null, ended: null };

/** What an event told, as the database keeps it until it is judged. */
export const Told = z.object({
	kind: z.enum(['online', 'offline', 'update']),
	/** When it happened. */
	at: z.string(),
	stream_id: z.string().nullable(),
	started_at: z.string().nullable(),
	title: z.string().nullable(),
	category: z.string().nullable(),
	category_id: z.string().nullable()
});
export type Told = z.infer<typeof Told>;

export type Observation =
	/** The platform lists the stream. */
	| { readonly kind: 'live'; readonly stream: StreamFacts }
	/** The platform answered, and does not list it. */
	| { readonly kind: 'absent' }
	| Told;

/** What follows. `is_told`: an event is in the log already, so none need be recorded. */
export type Change =
	| { readonly kind: 'online'; readonly stream: StreamFacts; readonly is_told: boolean }
	| { readonly kind: 'offline'; readonly stream: StreamFacts; readonly is_told: boolean }
	| { readonly kind: 'data'; readonly stream: StreamFacts };

export interface Judged {
	readonly watch: Watch;
	readonly changes: readonly Change[];
}

const NO_FACTS: StreamFacts = {
	...{ stream_id: null, started_at: null, title: null },
	...{ category: null, category_id: null, viewer_count: null }
};

const factsOf = ({ id, started_at }: Stream): StreamFacts => ({
	...NO_FACTS,
	stream_id: id,
	started_at: new Date(started_at).toISOString()
});

/** Two names of one stream: by id where both are known, else by when it began. */
const isSame = (one: Stream, other: Stream): boolean =>
	one.id !== null && other.id !== null ? one.id === other.id : one.started_at === other.started_at;

const instant = (text: string | null, otherwise: number): number => {
	const at = text === null ? NaN : Date.parse(text);
	return Number.isNaN(at) ? otherwise : at;
};

/** Whether a stream began before the known end of the last one, or of a stream before that. */
const isOver = (stream: Stream, ended: NonNullable<Watch['ended']>): boolean =>
	ended.is_told
		? isSame(ended, stream) || stream.started_at <= ended.at
		: stream.started_at < ended.started_at;

const unchanged = (watch: Watch): Judged => ({ watch, changes: [] });

/** Judges one observation. `now`: milliseconds since 1970. */
export function step(
	watch: Watch,
	seen: Observation,
	now: number,
	patience: StatusPatience
): Judged {
	switch (seen.kind) {
		case 'live':
			return listed(watch, seen.stream, now, patience);
		case 'absent':
			return missing(watch, now, patience);
		case 'online':
			return announced(watch, seen, now);
		case 'offline':
			return ended(watch, instant(seen.at, now));
		case 'update': {
			const { title, category, category_id } = seen;
			if (watch.live === null || instant(seen.at, now) < watch.live.started_at)
				return unchanged(watch);
			const stream = { ...NO_FACTS, title, category, category_id };
			return { watch, changes: [{ kind: 'data', stream }] };
		}
	}
}

function listed(watch: Watch, facts: StreamFacts, now: number, { lag_s }: StatusPatience): Judged {
	const { live, ended } = watch;
	const stream = { id: facts.stream_id, started_at: instant(facts.started_at, now) };
	if (live !== null && (isSame(live, stream) || facts.started_at === null)) {
		const known = { ...live, id: live.id ?? stream.id };
		return {
			watch: { live: { ...known, announced_at: null, absent_since: null, absences: 0 }, ended },
			changes: [{ kind: 'data', stream: facts }]
		};
	}
	// The list still has the stream before the one that an event announced.
	if (live !== null && stream.started_at < live.started_at) return unchanged(watch);
	// The list still has the stream that an event ended.
	if (ended !== null && now - ended.at < lag_s * 1_000 && isOver(stream, ended))
		return unchanged(watch);
	return begin(watch, stream, facts, { announced_at: null, is_told: false });
}

function missing(watch: Watch, now: number, { grace_s, absences, lag_s }: StatusPatience): Judged {
	const { live } = watch;
	if (live === null) return unchanged(watch);
	// The list never had it yet: it lags.
	if (live.announced_at !== null && now - live.announced_at < lag_s * 1_000)
		return unchanged(watch);
	const since = live.absent_since ?? now;
	const times = live.absences + 1;
	if (times < absences || now - since < grace_s * 1_000)
		return {
			watch: { ...watch, live: { ...live, absent_since: since, absences: times } },
			changes: []
		};
	return end(live, now, false);
}

function announced(watch: Watch, told: Told, now: number): Judged {
	const { live, ended } = watch;
	const stream = {
		id: told.stream_id,
		started_at: instant(told.started_at, instant(told.at, now))
	};
	if (live !== null && (isSame(live, stream) || stream.started_at <= live.started_at))
		return unchanged(watch);
	// Older than what is known to have ended. What was only missing may be announced once more.
	if (live === null && ended !== null && isOver(stream, ended)) return unchanged(watch);
	const facts = { ...factsOf(stream), stream_id: stream.id };
	return begin(watch, stream, facts, { announced_at: now, is_told: true });
}

function ended(watch: Watch, at: number): Judged {
	const { live } = watch;
	// Of a stream before this one.
	if (live !== null && at < live.started_at) return unchanged(watch);
	if (live !== null) return end(live, at, true);
	const { ended } = watch;
	if (ended === null)
		return unchanged({ live: null, ended: { id: null, started_at: at, at, is_told: true } });
	if (at < ended.started_at) return unchanged(watch);
	// What was only missing has been told to have ended, and when: events know better than lists.
	const told = ended.is_told ? Math.max(ended.at, at) : at;
	return unchanged({ live: null, ended: { ...ended, at: told, is_told: true } });
}

/** A stream begins; one that was still live before it has ended without a word. */
function begin(
	{ live, ended }: Watch,
	stream: Stream,
	facts: StreamFacts,
	{ announced_at, is_told }: { announced_at: number | null; is_told: boolean }
): Judged {
	const before: Change[] =
		live === null ? [] : [{ kind: 'offline', stream: factsOf(live), is_told: false }];
	return {
		watch: { live: { ...stream, announced_at, absent_since: null, absences: 0 }, ended },
		changes: [...before, { kind: 'online', stream: facts, is_told }]
	};
}

const end = ({ id, started_at }: Stream, at: number, is_told: boolean): Judged => ({
	watch: { live: null, ended: { id, started_at, at, is_told } },
	changes: [{ kind: 'offline', stream: factsOf({ id, started_at }), is_told }]
});
