/** An invented event that has something for every variable: for previews and for warming up. */
import type { Shown } from './variables.ts';

export const sampleEvent = (): Shown => ({
	event_type: 'sample:event',
	platform: 'sample',
	data: {
		user: { id: '1', login: 'night_owl', name: 'Night Owl', picture: null },
		amount: 500,
		currency: 'EUR',
		count: 5,
		months: 12,
		tier: 1,
		viewers: 120,
		title: 'Drink water',
		message: 'Hello everyone, what a show tonight!'
	}
});
