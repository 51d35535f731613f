/** Channel points, hype trains, polls, predictions, goals. */
import {
	between,
	channel,
	instant,
	pick,
	regular,
	viewer,
	wordOf,
	type Fields,
	type Make,
	type Scene
} from './scene.ts';

const redemption =
	(status: string): Make =>
	(scene) => ({
		id: wordOf(scene, 'redemption'),
		...viewer(scene),
		...channel(scene),
		user_input: scene.random() < 0.5 ? '' : `please do number ${scene.n}`,
		status,
		reward: { id: 'reward-hydrate', title: 'Hydrate', cost: 500, prompt: 'Drink some water' },
		redeemed_at: instant(scene)
	});

/** Version 2: what all three messages of a train say. */
const train = (scene: Scene): Fields => ({
	id: wordOf(scene, 'train'),
	...channel(scene),
	total: 1_600,
	level: 2,
	top_contributions: [
		{ ...regular(3), type: 'bits', total: 600 },
		{ ...regular(2), type: 'subscription', total: 1_000 }
	],
	shared_train_participants: null,
	started_at: instant(scene),
	type: pick(['regular', 'regular', 'treasure', 'golden_kappa'], scene.random),
	is_shared_train: false
});

const voting = { is_enabled: false, amount_per_vote: 0 };
const poll = (scene: Scene, counted: boolean): Fields => ({
	id: wordOf(scene, 'poll'),
	...channel(scene),
	title: `Which map, number ${scene.n}?`,
	choices: ['Harbour', 'Forest', 'Moon'].map((title, nth) => ({
		id: `choice-${nth + 1}`,
		title,
		...(counted && {
			bits_votes: 0,
			channel_points_votes: 3 * nth,
			votes: between(3 * nth, 40, scene.random)
		})
	})),
	bits_voting: voting,
	channel_points_voting: { is_enabled: true, amount_per_vote: 100 },
	started_at: instant(scene)
});

const prediction = (scene: Scene, counted: boolean): Fields => ({
	id: wordOf(scene, 'prediction'),
	...channel(scene),
	title: `Will we win number ${scene.n}?`,
	outcomes: (['blue', 'pink'] as const).map((color, nth) => ({
		id: `outcome-${nth + 1}`,
		title: nth === 0 ? 'Yes' : 'No',
		color,
		...(counted && {
			users: nth + 1,
			channel_points: 1_000 * (nth + 1),
			top_predictors: [
				{ ...regular(nth + 2), channel_points_won: null, channel_points_used: 1_000 }
			]
		})
	})),
	started_at: instant(scene)
});

const goal = (scene: Scene): Fields => ({
	id: wordOf(scene, 'goal'),
	...channel(scene),
	type: 'follow',
	description: 'Two hundred of us',
	current_amount: between(100, 199, scene.random),
	target_amount: 200,
	started_at: instant(scene)
});

export const points = {
	'channel.channel_points_custom_reward_redemption.add': redemption('unfulfilled'),
	'channel.channel_points_custom_reward_redemption.update': redemption('fulfilled'),
	'channel.channel_points_automatic_reward_redemption.add': (scene) => ({
		id: wordOf(scene, 'automatic'),
		...viewer(scene),
		...channel(scene),
		reward: { type: 'send_highlighted_message', channel_points: 100, emote: null },
		message: {
			text: `look at this, number ${scene.n}`,
			fragments: [{ type: 'text', text: `look at this, number ${scene.n}`, emote: null }]
		},
		redeemed_at: instant(scene)
	}),
	'channel.hype_train.begin': (scene) => ({
		...train(scene),
		progress: 100,
		goal: 1_800,
		all_time_high_level: 4,
		all_time_high_total: 9_000,
		expires_at: instant(scene, 300)
	}),
	'channel.hype_train.progress': (scene) => ({
		...train(scene),
		progress: between(200, 1_700, scene.random),
		goal: 1_800,
		expires_at: instant(scene, 300)
	}),
	'channel.hype_train.end': (scene) => ({
		...train(scene),
		ended_at: instant(scene, 300),
		cooldown_ends_at: instant(scene, 3_900)
	}),
	'channel.poll.begin': (scene) => ({ ...poll(scene, false), ends_at: instant(scene, 60) }),
	'channel.poll.progress': (scene) => ({ ...poll(scene, true), ends_at: instant(scene, 60) }),
	'channel.poll.end': (scene) => ({
		...poll(scene, true),
		ended_at: instant(scene, 60),
		status: 'completed'
	}),
	'channel.prediction.begin': (scene) => ({
		...prediction(scene, false),
		locks_at: instant(scene, 120)
	}),
	'channel.prediction.progress': (scene) => ({
		...prediction(scene, true),
		locks_at: instant(scene, 120)
	}),
	'channel.prediction.lock': (scene) => ({
		...prediction(scene, true),
		locked_at: instant(scene, 120)
	}),
	'channel.prediction.end': (scene) => ({
		...prediction(scene, true),
		winning_outcome_id: 'outcome-1',
		status: 'resolved',
		ended_at: instant(scene, 600)
	}),
	'channel.goal.begin': goal,
	'channel.goal.progress': goal,
	'channel.goal.end': (scene) => ({
		...goal(scene),
		current_amount: 200,
		is_achieved: true,
		ended_at: instant(scene, 3_600)
	})
} as const satisfies Record<string, Make>;
