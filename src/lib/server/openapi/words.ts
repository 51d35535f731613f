/** What documents say about groups of actions and about fields that mean the same everywhere. */

export const tagNotes: Readonly<Record<string, string>> = {
	events: 'What happened: list, read, send, test, cancel, replay.',
	'event-types': 'The kinds of events there are.',
	queue: 'What plays and what waits, and the commands that steer it.',
	plays: 'One showing of one event on one overlay.',
	overlays: 'Overlays and the keys that open their pages.',
	keys: 'Keys of programs.',
	connections: 'Channels on platforms.',
	platforms: 'What can be connected.',
	sources: 'How a channel’s events come here, and how well.',
	channel_status: 'Whether the channels are live, and with what.',
	spotify: 'Listening along without being live.',
	viewers: 'Who watches, follows and subscribes.',
	tasks: 'What the server does by itself, at its times.',
	me: 'Who asks.',
	members: 'Who belongs to the account, and as what.',
	invitations: 'Links by which people join.',
	accounts: 'The accounts one belongs to.',
	account: 'The account itself: everything in it, and its end.',
	sessions: 'Where one is signed in.',
	audit: 'Who did what.',
	sign_in: 'Ways to sign in.',
	pairings: 'Phones that steer.',
	realtime: 'Tokens for the Realtime socket.',
	setup: 'First run.',
	overlay: 'What an overlay’s page asks and reports.',
	stream: 'Messages as server-sent events.'
};

export const fieldNotes: Readonly<Record<string, string>> = {
	id: 'Which one.',
	types: 'Event types, separated by commas; `platform:*` is not needed, name the platform instead.',
	platform: 'Name of a platform.',
	origin: 'Where events came from, separated by commas.',
	search: 'Text that occurs anywhere in the raw JSON, in upper or lower case.',
	from: 'Not before this instant.',
	to: 'Before this instant.',
	page: 'Counted from 1.',
	limit: 'How many on a page.',
	cursor: 'The `next_cursor` of the page before: as fast on the last page as on the first.',
	scheduled_at: 'When to play it; recorded now.',
	overlay_id: 'One overlay; without it, all.',
	lane: 'One lane; without it, all.',
	data: 'The event’s own fields, as its type documents them.',
	priority: 'Urgent ones play first.',
	duration_ms: 'How long it is shown.'
};
