/**
 * The overlay that a new account begins with: a lamp that lights up in the event's colour, and a
 * card that slides out of it. Our own design, made of the same elements as everyone else's.
 */
import { OverlayDocument } from './document.ts';
import { acts, type Act } from './starter/acts.ts';
import { card } from './starter/card.ts';
import { motion } from './starter/motion.ts';

/** Pure: always the same document, complete with all defaults, ready to be stored. */
export const starterDocument = (): OverlayDocument =>
	OverlayDocument.parse({
		version: 1,
		size: { width: 1920, height: 1080 },
		fonts: [
			{
				family: 'Bricolage Grotesque',
				address: '/fonts/bricolage-grotesque-latin.woff2',
				weight: '200 800',
				letters:
					'U+0000-00FF, U+0131, U+0152-0153, U+02BB-02BC, U+02C6, U+02DA, U+02DC, U+0304, U+0308, U+0329, U+2000-206F, U+20AC, U+2122, U+2191, U+2193, U+2212, U+2215, U+FEFF, U+FFFD'
			},
			{
				family: 'Bricolage Grotesque',
				address: '/fonts/bricolage-grotesque-latin-ext.woff2',
				weight: '200 800',
				letters:
					'U+0100-02BA, U+02BD-02C5, U+02C7-02CC, U+02CE-02D7, U+02DD-02FF, U+1D00-1DBF, U+1E00-1E9F, U+1EF2-1EFF, U+2020, U+20A0-20AB, U+20AD-20C0, U+2113, U+2C60-2C7F, U+A720-A7FF'
			}
		],
		picture_hosts: ['static-cdn.jtvnw.net', '*.ggpht.com', '*.googleusercontent.com'],
		layers: [
			{
				id: 'alerts',
				name: 'Alerts',
				kind: 'alert_box',
				lane: 'main',
				x: 440,
				y: 40,
				width: 1040,
				height: 400,
				variations: acts.map(variation)
			}
		]
	});

const variation = (act: Act) => ({
	id: act.id,
	name: act.name,
	match: act.event_types === null ? null : { event_types: act.event_types },
	duration_ms: 6000,
	sound: { address: act.sound, volume: 0.8 },
	root: card(act),
	timeline: motion(act)
});
