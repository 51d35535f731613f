/** The manual Spotify connect: polling as if live, for half an hour. */
import { z } from 'zod';
import * as status from '$lib/server/backend/statements/channel-status.ts';
import { defineAction } from './define.ts';
import { accountOf } from './principal.ts';

const manual = {
	path: '/spotify/manual-connect',
	input: z.strictObject({}),
	output: status.SpotifyManual
} as const;

const get = defineAction({
	...manual,
	id: 'spotify.manual_status',
	summary: 'Says whether Spotify is polled by hand, and for how much longer.',
	method: 'GET',
	permission: 'spotify:read',
	run: ({ as, principal }) => as((sql) => status.getSpotifyManual(sql, accountOf(principal)))
});

const start = defineAction({
	...manual,
	id: 'spotify.manual_start',
	summary: 'Polls Spotify for half an hour though no channel is live; once more begins anew.',
	method: 'POST',
	permission: 'spotify:worker',
	run: ({ as, principal }) => as((sql) => status.startSpotifyManual(sql, accountOf(principal)))
});

const stop = defineAction({
	...manual,
	id: 'spotify.manual_stop',
	summary: 'Ends polling Spotify by hand.',
	method: 'DELETE',
	permission: 'spotify:worker',
	run: ({ as, principal }) => as((sql) => status.stopSpotifyManual(sql, accountOf(principal)))
});

export const spotifyActions = [get, start, stop];
