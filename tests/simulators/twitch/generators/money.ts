/** Follows, subscriptions, bits, raids. */
import {
	between,
	channel,
	idOf,
	instant,
	nobody,
	owner,
	person,
	pick,
	tier,
	viewer,
	type Make,
	type Scene
} from './scene.ts';

const viewerOr = (scene: Scene, anonymous: boolean) => (anonymous ? nobody : viewer(scene));

export const money = {
	'channel.follow': (scene) => ({
		...viewer(scene),
		...channel(scene),
		followed_at: instant(scene)
	}),
	'channel.subscribe': (scene) => ({
		...viewer(scene),
		...channel(scene),
		tier: tier(scene),
		is_gift: false
	}),
	'channel.subscription.end': (scene) => ({
		...viewer(scene),
		...channel(scene),
		tier: tier(scene),
		is_gift: scene.random() < 0.3
	}),
	'channel.subscription.gift': (scene) => {
		const anonymous = scene.random() < 0.2;
		return {
			...viewerOr(scene, anonymous),
			...channel(scene),
			total: pick([1, 5, 10, 50], scene.random),
			tier: tier(scene),
			cumulative_total: anonymous ? null : between(50, 5_000, scene.random),
			is_anonymous: anonymous
		};
	},
	'channel.subscription.message': (scene) => ({
		...viewer(scene),
		...channel(scene),
		tier: tier(scene),
		message: {
			text: `Still here! lumenHi number ${scene.n}`,
			emotes: [{ begin: 12, end: 18, id: 'emotesv2_lumenhi' }]
		},
		cumulative_months: between(2, 90, scene.random),
		streak_months: scene.random() < 0.5 ? null : between(1, 24, scene.random),
		duration_months: pick([1, 1, 3, 6], scene.random)
	}),
	'channel.cheer': (scene) => {
		const anonymous = scene.random() < 0.1;
		const bits = pick([1, 100, 250, 1_000, 5_000], scene.random);
		return {
			is_anonymous: anonymous,
			...viewerOr(scene, anonymous),
			...channel(scene),
			message: `Cheer${bits} take ${scene.n}`,
			bits
		};
	},
	'channel.bits.use': (scene) => {
		const powerUp = scene.random() < 0.6;
		const bits = pick([30, 50, 100, 250], scene.random);
		const text = powerUp ? `lumenHi ${scene.n}` : `Cheer${bits} take ${scene.n}`;
		return {
			...viewer(scene),
			...channel(scene),
			bits,
			type: powerUp ? 'power_up' : 'cheer',
			message: { text, fragments: [{ type: 'text', text, cheermote: null, emote: null }] },
			power_up: powerUp
				? {
						type: 'gigantify_an_emote',
						emote: { id: 'emotesv2_lumenhi', name: 'lumenHi' },
						message_effect_id: null
					}
				: null,
			custom_power_up: null
		};
	},
	'channel.raid': (scene) => ({
		...person('from_broadcaster_user', idOf(scene, 7), `raider_${scene.n}`, `Raider_${scene.n}`),
		...owner(scene, 'to_broadcaster_user'),
		viewers: between(1, 3_000, scene.random)
	})
} as const satisfies Record<string, Make>;
