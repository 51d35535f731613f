/** The stream itself, ads, roles, moderation, consent. */
import { channel, instant, idOf, owner, pick, viewer, type Make } from './scene.ts';

const role: Make = (scene) => ({ ...viewer(scene), ...channel(scene) });

export const channelLife = {
	'stream.online': (scene) => ({
		id: idOf(scene, 4),
		...channel(scene),
		type: 'live',
		started_at: scene.at.toISOString().replace(/\.\d+Z$/, 'Z')
	}),
	'stream.offline': (scene) => channel(scene),
	'channel.update': (scene) => ({
		...channel(scene),
		title: `Part ${scene.n}: further into the woods`,
		language: 'en',
		...pick(
			[
				{ category_id: '509658', category_name: 'Just Chatting' },
				{ category_id: '26936', category_name: 'Music' },
				{ category_id: '509660', category_name: 'Art' }
			],
			scene.random
		),
		content_classification_labels: []
	}),
	'channel.ad_break.begin': (scene) => ({
		...channel(scene),
		duration_seconds: pick([30, 60, 90], scene.random),
		started_at: instant(scene),
		is_automatic: scene.random() < 0.5,
		...owner(scene, 'requester_user')
	}),
	'channel.moderator.add': role,
	'channel.moderator.remove': role,
	'channel.vip.add': role,
	'channel.vip.remove': role,
	'channel.ban': (scene) => {
		const permanent = scene.random() < 0.5;
		return {
			...viewer(scene),
			...channel(scene),
			...owner(scene, 'moderator_user'),
			reason: permanent ? 'unkind' : '',
			banned_at: instant(scene),
			ends_at: permanent ? null : instant(scene, 600),
			is_permanent: permanent
		};
	},
	'channel.unban': (scene) => ({
		...viewer(scene),
		...channel(scene),
		...owner(scene, 'moderator_user')
	}),
	'user.authorization.grant': (scene) => ({ client_id: '', ...owner(scene, 'user') }),
	'user.authorization.revoke': (scene) => ({ client_id: '', ...owner(scene, 'user') })
} as const satisfies Record<string, Make>;
