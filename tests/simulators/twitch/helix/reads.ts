/** The endpoints that tell what is true: people, channels, streams, roles. */
import { refuse, type Answer, type Asked } from '../http.ts';
import type { Channel, Entry, User, World } from '../world.ts';
import type { Call, Endpoint } from './index.ts';
import { isAnswer, paged } from './paging.ts';

const picture = (login: string) =>
	`https://static-cdn.jtvnw.net/jtv_user_pictures/${login}-profile_image-300x300.png`;

export function readEndpoints(world: World): Readonly<Record<string, Endpoint>> {
	const user = ({ id, login, display_name, created_at }: User, hasEmail: boolean) => ({
		id,
		login,
		display_name,
		type: '',
		broadcaster_type: 'affiliate',
		description: '',
		profile_image_url: picture(login),
		offline_image_url: '',
		view_count: 0,
		created_at,
		...(hasEmail && { email: `${login}@example.com` })
	});

	const stream = ({ id, info, stream }: Channel) => {
		const { login, display_name } = world.meet(id);
		return stream === null
			? []
			: [
					{
						id: stream.id,
						user_id: id,
						user_login: login,
						user_name: display_name,
						game_id: info.category_id,
						game_name: info.category_name,
						type: stream.type,
						title: info.title,
						tags: info.tags,
						viewer_count: stream.viewer_count,
						started_at: stream.started_at,
						language: info.language,
						thumbnail_url: `https://static-cdn.jtvnw.net/previews-ttv/live_user_${login}-{width}x{height}.jpg`,
						tag_ids: [],
						is_mature: false
					}
				];
	};

	/** A list that only the channel's owner may read, with one of these consents. */
	const ownersList =
		(name: string, scopes: readonly string[], rows: (channel: Channel) => Entry[]): Endpoint =>
		(call) => {
			const channel = owned(call, scopes);
			if (isAnswer(channel)) return channel;
			return listed(call.asked, `${name} ${channel.id}`, rows(channel));
		};

	/** The channel of `broadcaster_id`, when it is the token's own and the consent is there. */
	function owned({ asked, access }: Call, scopes: readonly string[]): Channel | Answer {
		const id = asked.query.get('broadcaster_id') ?? '';
		if (id === '') return refuse(400, 'Missing required parameter "broadcaster_id"');
		if (access.userId === null) return refuse(401, 'Missing User OAUTH Token');
		if (!scopes.some((scope) => access.scopes.includes(scope)))
			return refuse(401, `Missing scope: ${scopes.join(' or ')}`);
		if (access.userId !== id)
			return refuse(
				401,
				"The ID in broadcaster_id must match the user ID found in the request's OAuth token."
			);
		return world.channel(id);
	}

	return {
		'GET /users': ({ asked, access }) => {
			const ids = asked.query.getAll('id');
			const logins = asked.query.getAll('login');
			if (ids.length + logins.length > 100)
				return refuse(400, 'The total number of id and login parameters must not exceed 100');
			const mine = (id: string) =>
				id === access.userId && access.scopes.includes('user:read:email');
			if (ids.length + logins.length === 0 && access.userId === null)
				return refuse(400, 'Must provide an ID, Login or OAuth Token');
			const wanted =
				ids.length + logins.length === 0
					? [world.users.get(access.userId ?? '')]
					: [
							...ids.map((id) => world.users.get(id)),
							...logins.map((login) => world.userBy(login))
						];
			const found = [...new Set(wanted)].flatMap((one) => (one ? [user(one, mine(one.id))] : []));
			return { status: 200, body: { data: found } };
		},
		'GET /streams': ({ asked }) => {
			const logins = asked.query.getAll('user_login').map((login) => world.userBy(login)?.id ?? '');
			const ids = asked.query.getAll('user_id');
			if (ids.length > 100 || logins.length > 100)
				return refuse(400, 'At most 100 user_id and user_login parameters');
			const wanted = ids.length + logins.length > 0 ? [...ids, ...logins] : [...world.users.keys()];
			const rows = [...new Set(wanted)]
				.filter((id) => world.users.has(id))
				.map((id) => world.channel(id))
				.filter((channel) => {
					if (channel.stream === null || channel.hiddenFor <= 0) return true;
					channel.hiddenFor -= 1;
					return false;
				})
				.flatMap(stream);
			return answer(paged(rows, asked, 'streams'));
		},
		'GET /channels': ({ asked }) => {
			const ids = asked.query.getAll('broadcaster_id');
			if (ids.length === 0) return refuse(400, 'Missing required parameter "broadcaster_id"');
			if (ids.length > 100) return refuse(400, 'At most 100 broadcaster_id parameters');
			const data = ids
				.filter((id) => world.users.has(id))
				.map((id) => {
					const { info } = world.channel(id);
					const { login, display_name } = world.meet(id);
					return {
						broadcaster_id: id,
						broadcaster_login: login,
						broadcaster_name: display_name,
						broadcaster_language: info.language,
						game_id: info.category_id,
						game_name: info.category_name,
						title: info.title,
						delay: 0,
						tags: info.tags,
						content_classification_labels: info.labels,
						is_branded_content: false
					};
				});
			return { status: 200, body: { data } };
		},
		'GET /channels/followers': ({ asked, access }) => {
			const id = asked.query.get('broadcaster_id') ?? '';
			if (id === '') return refuse(400, 'Missing required parameter "broadcaster_id"');
			const channel = world.channel(id);
			const total = channel.followers.size;
			const mayRead =
				access.scopes.includes('moderator:read:followers') &&
				(access.userId === id || channel.moderators.has(access.userId ?? ''));
			// Without the right the number is still told.
			if (!mayRead) return { status: 200, body: { total, data: [], pagination: {} } };
			return listed(asked, `followers ${id}`, channel.followers.newestFirst(), { total });
		},
		'GET /subscriptions': (call) => {
			const channel = owned(call, ['channel:read:subscriptions']);
			if (isAnswer(channel)) return channel;
			const { id, login, display_name } = world.meet(channel.id);
			const points: Readonly<Record<string, number>> = { '1000': 1, '2000': 2, '3000': 6 };
			const rows = channel.subscribers.all().map((one) => ({
				broadcaster_id: id,
				broadcaster_login: login,
				broadcaster_name: display_name,
				...one
			}));
			return listed(call.asked, `subscriptions ${id}`, rows, {
				total: rows.length,
				points: channel.subscribers
					.all()
					.reduce((sum, { tier }) => sum + (points[String(tier)] ?? 1), 0)
			});
		},
		'GET /moderation/moderators': ownersList(
			'moderators',
			['moderation:read', 'channel:manage:moderators'],
			({ moderators }) => moderators.all()
		),
		'GET /channels/vips': ownersList(
			'vips',
			['channel:read:vips', 'channel:manage:vips'],
			({ vips }) => vips.all()
		),
		'GET /moderation/banned': ownersList(
			'banned',
			['moderation:read', 'moderator:manage:banned_users'],
			({ banned }) => banned.newestFirst()
		),
		'GET /goals': (call) => {
			const channel = owned(call, ['channel:read:goals']);
			if (isAnswer(channel)) return channel;
			return { status: 200, body: { data: [...channel.goals.values()] } };
		},
		'GET /games': ({ asked }) => {
			const ids = asked.query.getAll('id');
			const names = asked.query.getAll('name');
			if (ids.length + names.length === 0)
				return refuse(400, 'Missing required parameter "id", "name" or "igdb_id"');
			if (ids.length + names.length > 100) return refuse(400, 'At most 100 games');
			const data = [...world.games.values()]
				.filter(({ id, name }) => ids.includes(id) || names.includes(name))
				.map(({ id, name }) => ({
					id,
					name,
					box_art_url: `https://static-cdn.jtvnw.net/ttv-boxart/${id}-{width}x{height}.jpg`,
					igdb_id: ''
				}));
			return { status: 200, body: { data } };
		}
	};
}

const answer = (page: object): Answer => (isAnswer(page) ? page : { status: 200, body: page });

/** A page of people, or of those among them whom the query names. */
function listed(asked: Asked, name: string, rows: readonly Entry[], siblings: object = {}): Answer {
	const wanted = asked.query.getAll('user_id');
	if (wanted.length > 100) return refuse(400, 'At most 100 user_id parameters');
	const chosen =
		wanted.length === 0 ? rows : rows.filter(({ user_id }) => wanted.includes(user_id));
	const page = paged(chosen, asked, `${name} ${wanted.join(',')}`);
	return isAnswer(page) ? page : { status: 200, body: { ...siblings, ...page } };
}
