/**
 * Judges a run from the outside. It imports no product code: it reads the history that producers
 * and pages wrote and the rows that the database holds at the end, and counts what breaks the promise
 *
 *   an acknowledged alert is never lost, never shown twice, never shown after it was cancelled.
 *
 * Every sent event carries a marker, so rows, shows and sends are joined without any id of the
 * product's making. A count of zero in every line of `violations` is a good run.
 */
import type { Entry } from './history.ts';

/** What the database holds when the run is over; see rows.ts for the queries. */
export interface Rows {
	events: { marker: string; seq: number; priority: number; status: string; account: string }[];
	plays: {
		id: string;
		marker: string;
		overlay: string;
		status: string;
		reason: string;
		attempt: number;
		started: boolean;
		/** Past its duration by more than five seconds. */
		overdue: boolean;
	}[];
}

export interface Violations {
	/** Acknowledged, but not stored. */
	lost: number;
	/** Stored more than once. */
	duplicated: number;
	/** Stored, but never sent. */
	unexpected: number;
	/** Places missing or used twice in an account's seq. */
	seq_holes: number;
	/** Acknowledged, not cancelled, and on some overlay never on screen. */
	never_shown: number;
	/** One page showed one play twice, or a play began anew although no page died with it in hand. */
	shown_twice: number;
	/** Began to show more than 250 ms after the cancel was acknowledged. */
	shown_after_cancel: number;
	/** Still on screen 250 ms after the cancel was acknowledged, though the page's link was up. */
	late_cancels: number;
	/** Shown although a play that goes first had been waiting, acknowledged, for a second or more. */
	out_of_order: number;
	/** Plays that have not come to an end although everything is quiet. */
	unsettled: number;
}

export interface Report {
	acknowledged: number;
	refused: number;
	stored: number;
	cancelled: number;
	shows: number;
	/** Shows flagged `attempt > 1` after a page was killed: the one stated exception. */
	repeats: number;
	pages: number;
	faults: Record<string, number>;
	violations: Violations;
	/** The first few findings of each kind, in words. */
	findings: string[];
}

/** How long a cancel may take to reach the screen, and the slack before order is judged. */
const CANCEL_MS = 250;
const ORDER_SLACK_MS = 1000;

type Show = Extract<Entry, { f: 'show' | 'hide' }>;

export function check(history: readonly Entry[], rows: Rows): Report {
	const findings: string[] = [];
	const counts = new Map<keyof Violations, number>();
	const violate = (kind: keyof Violations, finding: string) => {
		const count = (counts.get(kind) ?? 0) + 1;
		counts.set(kind, count);
		if (count <= 5) findings.push(`${kind}: ${finding}`);
	};

	const sent = new Set<string>();
	const acknowledged = new Map<string, number>();
	const refused = new Set<string>();
	const cancelled = new Map<string, number>();
	const cancelAsked = new Set<string>();
	const faults: Record<string, number> = {};
	const shows: Show[] = [];
	const hides: Show[] = [];
	for (const entry of history) {
		if (entry.f === 'send') {
			sent.add(entry.marker);
			if (entry.type === 'ok' && !acknowledged.has(entry.marker))
				acknowledged.set(entry.marker, entry.t);
			if (entry.type === 'fail') refused.add(entry.marker);
		} else if (entry.f === 'cancel') {
			cancelAsked.add(entry.marker);
			if (entry.type === 'ok' && !cancelled.has(entry.marker)) cancelled.set(entry.marker, entry.t);
		} else if (entry.f === 'fault') faults[entry.kind] = (faults[entry.kind] ?? 0) + 1;
		else if (entry.f === 'show') shows.push(entry);
		else if (entry.f === 'hide') hides.push(entry);
	}

	// The log: everything acknowledged is there once, nothing else is, and seq has no hole.
	const stored = new Map<string, number>();
	for (const event of rows.events) stored.set(event.marker, (stored.get(event.marker) ?? 0) + 1);
	for (const marker of acknowledged.keys())
		if (!stored.has(marker)) violate('lost', `${marker} was answered 2xx and is not stored`);
	for (const [marker, times] of stored) {
		if (times > 1) violate('duplicated', `${marker} is stored ${times} times`);
		if (!sent.has(marker)) violate('unexpected', `${marker} is stored and was never sent`);
	}
	for (const account of new Set(rows.events.map((event) => event.account))) {
		const seqs = rows.events.filter((e) => e.account === account).map((e) => e.seq);
		seqs.sort((a, b) => a - b);
		seqs.forEach((seq, index) => {
			const before = index === 0 ? seq - 1 : (seqs[index - 1] ?? 0);
			if (seq !== before + 1) violate('seq_holes', `after seq ${before} comes ${seq}`);
		});
	}

	// The screen.
	const killedAt = new Map<string, number>();
	const linkDown = new Map<string, [from: number, to: number][]>();
	for (const entry of history) {
		if (entry.f === 'page' && entry.type !== 'start') killedAt.set(entry.instance, entry.t);
		if (entry.f !== 'link') continue;
		const spans = linkDown.get(entry.instance) ?? [];
		const last = spans.at(-1);
		if (entry.type === 'down') spans.push([entry.t, Infinity]);
		else if (last && last[1] === Infinity) last[1] = entry.t;
		linkDown.set(entry.instance, spans);
	}
	const hiddenAt = (show: Show) =>
		hides.find((h) => h.instance === show.instance && h.play === show.play && h.t >= show.t)?.t ??
		Infinity;
	const hideOf = (show: Show) => Math.min(hiddenAt(show), killedAt.get(show.instance) ?? Infinity);

	let repeats = 0;
	const byPlay = groupBy(shows, (show) => show.play);
	for (const [play, showings] of byPlay) {
		const perInstance = groupBy(showings, (show) => show.instance);
		for (const [instance, own] of perInstance)
			if (own.length > 1)
				violate('shown_twice', `${own[0]?.marker}: page ${instance} showed play ${play} again`);
		// Copies that are open together show together. A later beginning is the exception that the
		// promise states: it must be flagged, and a page must have died with the play in hand.
		const first = showings[0];
		if (!first) continue;
		// A page that is closed or killed takes the play off its own screen and no other.
		const ended = Math.min(...showings.filter((s) => s.attempt <= 1).map(hiddenAt));
		for (const [index, show] of showings.entries()) {
			const isOnElsewhere = showings.slice(0, index).some((other) => show.t < hideOf(other));
			if (index === 0 || (show.t < ended && isOnElsewhere)) continue;
			const orphaned = showings.some(
				(other) =>
					other !== show && other.t < show.t && (killedAt.get(other.instance) ?? Infinity) <= show.t
			);
			if (show.attempt > 1 && orphaned) repeats += 1;
			else violate('shown_twice', `${show.marker}: shown again after it had ended (play ${play})`);
		}
	}

	for (const [marker, at] of cancelled) {
		for (const show of shows) {
			if (show.marker !== marker || show.reason === 'replay') continue;
			const end = hideOf(show);
			if (show.t > at + CANCEL_MS)
				violate('shown_after_cancel', `${marker}: began ${Math.round(show.t - at)} ms after`);
			else if (end > at + CANCEL_MS) {
				const deaf = (linkDown.get(show.instance) ?? []).some(
					([from, to]) => from < at + CANCEL_MS && to > at - CANCEL_MS
				);
				if (!deaf) violate('late_cancels', `${marker}: off after ${Math.round(end - at)} ms`);
			}
		}
	}

	const overlays = new Set(rows.plays.map((play) => play.overlay));
	const shownOn = new Set(shows.map((show) => `${show.overlay} ${show.marker}`));
	for (const marker of acknowledged.keys()) {
		if (cancelAsked.has(marker)) continue;
		for (const overlay of overlays)
			if (!shownOn.has(`${overlay} ${marker}`))
				violate('never_shown', `${marker} was acknowledged and never seen on ${overlay}`);
	}

	// Order: among first showings, what goes first must not have waited behind what goes later.
	const rank = new Map(rows.events.map((event) => [event.marker, event]));
	for (const overlay of overlays) {
		const firsts = new Map<string, Show>();
		for (const show of shows)
			if (show.overlay === overlay && show.reason !== 'replay' && !firsts.has(show.marker))
				firsts.set(show.marker, show);
		const order = [...firsts.values()];
		order.forEach((show, index) => {
			const own = rank.get(show.marker);
			if (!own) return;
			for (const later of order.slice(index + 1)) {
				const other = rank.get(later.marker);
				const waiting = acknowledged.get(later.marker) ?? Infinity;
				if (!other || waiting > show.t - ORDER_SLACK_MS) continue;
				const goesFirst =
					other.priority > own.priority || (other.priority === own.priority && other.seq < own.seq);
				if (goesFirst) violate('out_of_order', `${show.marker} was shown before ${later.marker}`);
			}
		});
	}

	for (const play of rows.plays)
		if (play.overdue || play.status === 'queued' || play.status === 'playing')
			violate('unsettled', `${play.marker}: play ${play.id} is still ${play.status}`);

	const total = (kind: keyof Violations) => counts.get(kind) ?? 0;
	return {
		acknowledged: acknowledged.size,
		refused: refused.size,
		stored: rows.events.length,
		cancelled: cancelled.size,
		shows: shows.length,
		repeats,
		pages: new Set(history.flatMap((e) => (e.f === 'page' ? [e.instance] : []))).size,
		faults,
		violations: {
			lost: total('lost'),
			duplicated: total('duplicated'),
			unexpected: total('unexpected'),
			seq_holes: total('seq_holes'),
			never_shown: total('never_shown'),
			shown_twice: total('shown_twice'),
			shown_after_cancel: total('shown_after_cancel'),
			late_cancels: total('late_cancels'),
			out_of_order: total('out_of_order'),
			unsettled: total('unsettled')
		},
		findings
	};
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
	const groups = new Map<string, T[]>();
	for (const item of items) {
		const group = groups.get(key(item));
		if (group) group.push(item);
		else groups.set(key(item), [item]);
	}
	return groups;
}
