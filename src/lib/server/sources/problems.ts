/**
 * What may be the matter with a source, in plain words with the way out. `code` is stable; pages
 * translate it, programs get the English.
 */
export const problems = {
	reconnect_needed: {
		text: 'The channel’s consent has ended, so no events come.',
		way_out: 'Connect the channel again.'
	},
	consent_missing: {
		text: 'Some of the chosen events need a consent that was not given.',
		way_out: 'Connect the channel again and agree to what is asked, or choose fewer events.'
	},
	consent_revoked: {
		text: 'The platform ended subscriptions, because a right they need was taken away.',
		way_out: 'Give the right back, then refresh; or connect the channel again.'
	},
	nothing_chosen: {
		text: 'No events are chosen, so there is nothing to listen to.',
		way_out: 'Choose groups of events for this channel.'
	},
	socket_lost: {
		text: 'The connection to the platform is cut; it is tried again by itself.',
		way_out: 'Wait. If it lasts, see whether this machine reaches the internet.'
	},
	platform_unavailable: {
		text: 'The platform does not answer as it should; it is asked again by itself.',
		way_out: 'Wait, or look at the platform’s status page.'
	},
	limit_reached: {
		text: 'The platform allows no more subscriptions for this channel and program.',
		way_out: 'Choose fewer events, or end other programs that use the same client.'
	},
	subscription_failed: {
		text: 'The platform refused some subscriptions.',
		way_out: 'Refresh. If it stays, see the reason beside the subscription.'
	},
	callback_unreachable: {
		text: 'The platform could not deliver to this server’s address.',
		way_out: 'Give the server a public https address (ORIGIN), or let events come by WebSocket.'
	},
	relay_unavailable: {
		text: 'There is no relay that events could come through.',
		way_out: 'Let events come by WebSocket: it needs no public address.'
	},
	mode_unavailable: {
		text: 'The platform does not offer this way of getting events.',
		way_out: 'Choose another way for this channel.'
	},
	database_away: {
		text: 'Events wait in memory until the database is back.',
		way_out: 'See why the database does not answer.'
	},
	events_dropped: {
		text: 'More events waited for the database than could be held; some are lost.',
		way_out:
			'Follows and roles are found again by asking the platform; look at the history, then refresh.'
	},
	poll_failed: {
		text: 'A list of the platform could not be compared with what came.',
		way_out: 'See the error beside the list.'
	}
} as const;

export type ProblemCode = keyof typeof problems;

const isCode = (code: string): code is ProblemCode => Object.hasOwn(problems, code);

/** A stored problem as it is told. */
export function describe(problem: { code: string; detail: string | null; since: string }) {
	const words = isCode(problem.code)
		? problems[problem.code]
		: { text: problem.code, way_out: 'Refresh, or connect the channel again.' };
	const text = problem.detail === null ? words.text : `${words.text} (${problem.detail})`;
	return { code: problem.code, text, way_out: words.way_out, since: problem.since };
}
