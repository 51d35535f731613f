/** Which action each query and mutation is. A name here is a promise to programs. */

export interface FieldEntry {
	/** The action that it calls. */
	action: string;
	/** An input object under this argument, of this type; without it each field is an argument. */
	input?: { argument: string; type: string; required: boolean };
	/** Answers this field of what the action answers. */
	pick?: string;
	/** The type of what is answered, where it has no name of its own. */
	type?: string;
	/** Answers that it was done, and nothing else. */
	isDone?: boolean;
	/** Fields that are another scalar here than in a body. */
	as?: Readonly<Record<string, 'String'>>;
}

export const queries: Readonly<Record<string, FieldEntry>> = {
	events: {
		action: 'events.list',
		input: { argument: 'filter', type: 'EventFilterInput', required: false },
		as: { platform: 'String' }
	},
	event: { action: 'events.get' },
	eventTypes: { action: 'event-types.list', pick: 'items', type: 'EventTypeInfo' },
	eventTemplates: { action: 'event-templates.list', pick: 'items' },
	subscriptions: { action: 'subscriptions.get' },
	eventAnalytics: {
		action: 'analytics.events',
		input: { argument: 'filter', type: 'EventAnalyticsFilterInput', required: false }
	},
	overlayAnalytics: {
		action: 'analytics.overlays',
		input: { argument: 'filter', type: 'OverlayAnalyticsFilterInput', required: false }
	},
	queue: { action: 'queue.get' },
	overlays: { action: 'overlays.list', pick: 'items' },
	overlay: { action: 'overlays.get' },
	connections: { action: 'connections.list', pick: 'items' },
	me: { action: 'me.get', type: 'Me' },
	channelStatus: { action: 'channel_status.list', pick: 'items' },
	spotifyManualStatus: { action: 'spotify.manual_status' }
};

export const mutations: Readonly<Record<string, FieldEntry>> = {
	emitEvent: {
		action: 'events.emit',
		input: { argument: 'input', type: 'EmitEventInput', required: true }
	},
	testEvent: {
		action: 'events.test',
		input: { argument: 'input', type: 'TestEventInput', required: true }
	},
	setSubscriptions: { action: 'subscriptions.set' },
	cancelEvent: { action: 'events.cancel' },
	replayEvent: { action: 'events.replay' },
	cancelPlay: { action: 'plays.cancel' },
	skip: { action: 'queue.skip' },
	pause: { action: 'queue.pause' },
	resume: { action: 'queue.resume' },
	startSpotifyManual: { action: 'spotify.manual_start' },
	stopSpotifyManual: { action: 'spotify.manual_stop', isDone: true }
};
