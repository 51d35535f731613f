/** What the starter overlay says and in which colours: one act for each sort of event. */
import type { Colour } from '../paint.ts';

export interface Act {
	id: string;
	name: string;
	/** Null: everything else. */
	event_types: string[] | null;
	/** From the lamp's bright side to its deep side. */
	light: [Colour, Colour];
	/** An SVG path on a grid of 24. */
	icon: string;
	kicker: string;
	line: string;
	/** A number worth a place of its own, the word under it, and the variable that it needs. */
	figure: { text: string; unit: string; needs: string } | null;
	sound: string;
}

export const icons = {
	heart:
		'M12 21.5C5 16 1.8 12.4 1.8 8.1A5.3 5.3 0 0 1 12 6.2 5.3 5.3 0 0 1 22.2 8.1C22.2 12.4 19 16 12 21.5Z',
	star: 'M12 1.6L15.2 8.2 22.4 9.2 17.2 14.2 18.5 21.4 12 17.9 5.5 21.4 6.8 14.2 1.6 9.2 8.8 8.2Z',
	gift: 'M2.5 8.5H21.5V13H2.5ZM3.8 14.2H11.2V22H3.8ZM12.8 14.2H20.2V22H12.8ZM12 7.6C8.6 7.7 6 6.7 6 4.5 6 1.6 10.6 1.2 12 5.4 13.4 1.2 18 1.6 18 4.5 18 6.7 15.4 7.7 12 7.6Z',
	crown: 'M1.8 6.6L7 10.6 12 2.6 17 10.6 22.2 6.6 20.2 18H3.8ZM3.8 19.4H20.2V22H3.8Z',
	gem: 'M12 1.2L21.4 9.6 12 22.8 2.6 9.6ZM12 4.4L6.4 9.4H17.6Z',
	bolt: 'M13.6 1L3.8 13.8H10.4L8.6 23 20.2 9H13Z',
	ticket:
		'M1.5 5.5H22.5V9.6A2.5 2.5 0 0 0 22.5 14.4V18.5H1.5V14.4A2.5 2.5 0 0 0 1.5 9.6ZM14.6 7.5V10H16.4V7.5ZM14.6 12V14.5H16.4V12Z',
	spark: 'M12 1.2L14.7 9.3 22.8 12 14.7 14.7 12 22.8 9.3 14.7 1.2 12 9.3 9.3Z'
} as const;

export const acts: readonly Act[] = [
	{
		id: 'follow',
		name: 'Follow',
		event_types: ['*:follower'],
		light: ['#ff8fa3', '#ff3d71'],
		icon: icons.heart,
		kicker: 'New follower',
		line: 'takes a seat in the front row',
		figure: null,
		sound: '/sounds/chime.wav'
	},
	{
		id: 'subscribe',
		name: 'Subscription',
		event_types: ['*:subscribe'],
		light: ['#c4a5ff', '#7c3aed'],
		icon: icons.star,
		kicker: 'New subscriber',
		line: 'joins the company',
		figure: { text: '{tier}', unit: 'Tier', needs: 'tier' },
		sound: '/sounds/fanfare.wav'
	},
	{
		id: 'gift',
		name: 'Gifted subscriptions',
		event_types: ['*:gift_sub'],
		light: ['#ffd36b', '#f08c00'],
		icon: icons.gift,
		kicker: 'Gifted {count|plural:sub:subs}',
		line: 'treats the house',
		figure: { text: '{count|short}', unit: '{count|plural:sub:subs}', needs: 'count' },
		sound: '/sounds/fanfare.wav'
	},
	{
		id: 'resub',
		name: 'Resubscription',
		event_types: ['*:resub'],
		light: ['#8ff0c8', '#0ca678'],
		icon: icons.crown,
		kicker: 'Back on stage',
		line: 'is here for another season',
		figure: { text: '{months|short}', unit: '{months|plural:month:months}', needs: 'months' },
		sound: '/sounds/fanfare.wav'
	},
	{
		id: 'cheer',
		name: 'Cheer',
		event_types: ['*:cheer'],
		light: ['#7fe3ff', '#1c7ed6'],
		icon: icons.gem,
		kicker: 'Applause',
		line: 'cheers from the stalls',
		figure: { text: '{amount|short}', unit: '{amount|plural:bit:bits}', needs: 'amount' },
		sound: '/sounds/spark.wav'
	},
	{
		id: 'raid',
		name: 'Raid',
		event_types: ['*:raid'],
		light: ['#ffb078', '#e8430a'],
		icon: icons.bolt,
		kicker: 'Raid',
		line: 'brings the whole house along',
		figure: { text: '{viewers|short}', unit: '{viewers|plural:viewer:viewers}', needs: 'viewers' },
		sound: '/sounds/fanfare.wav'
	},
	{
		id: 'reward',
		name: 'Reward',
		event_types: ['*:reward'],
		light: ['#fff0a8', '#d6a300'],
		icon: icons.ticket,
		kicker: 'Ticket punched',
		line: '{title|or:redeems a reward}',
		figure: null,
		sound: '/sounds/spark.wav'
	},
	{
		id: 'anything',
		name: 'Anything else',
		event_types: null,
		light: ['#d8d2ff', '#6d5ef5'],
		icon: icons.spark,
		kicker: '{type}',
		line: '{title|or:just now}',
		figure: null,
		sound: '/sounds/chime.wav'
	}
];
