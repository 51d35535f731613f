/**
 * What is true on this Twitch: people, channels and their lists. Helix tells it, tests change it:
 * `sim.channel('1001').followers.add('2001')`, or `fire`, which also notifies.
 */
export interface User {
	readonly id: string;
	readonly login: string;
	readonly display_name: string;
	readonly created_at: string;
}

/** An entry of a list, in the words of Helix. */
export interface Entry {
	readonly user_id: string;
	readonly [field: string]: unknown;
}

/** People in a role. Each once; in the order in which they came. */
export class People {
	#entries = new Map<string, Entry>();
	readonly #complete: (userId: string) => Entry;

	constructor(complete: (userId: string) => Entry) {
		this.#complete = complete;
	}
	/** Adds somebody by id, with what Helix shall say; somebody who is there already stays where they are. */
	add(user: string | Entry): void {
		const id = typeof user === 'string' ? user : user.user_id;
		this.#entries.set(id, { ...this.#complete(id), ...(typeof user === 'string' ? {} : user) });
	}
	remove(userId: string): boolean {
		return this.#entries.delete(userId);
	}
	has = (userId: string): boolean => this.#entries.has(userId);
	clear(): void {
		this.#entries.clear();
	}
	get size(): number {
		return this.#entries.size;
	}
	all = (): Entry[] => [...this.#entries.values()];
	newestFirst = (): Entry[] => this.all().reverse();
}

export interface Stream {
	id: string;
	type: string;
	started_at: string;
	viewer_count: number;
}

export interface ChannelInfo {
	title: string;
	language: string;
	category_id: string;
	category_name: string;
	tags: string[];
	labels: string[];
}

export interface Channel {
	readonly id: string;
	readonly followers: People;
	readonly subscribers: People;
	readonly moderators: People;
	readonly vips: People;
	readonly banned: People;
	readonly goals: Map<string, Record<string, unknown>>;
	readonly info: ChannelInfo;
	stream: Stream | null;
	/** So many answers of `/streams` leave the stream out although it is live. */
	hiddenFor: number;
}

export interface Game {
	readonly id: string;
	readonly name: string;
}

const born = '2019-04-01T12:00:00Z';
const seed: readonly (readonly [id: string, login: string, name: string])[] = [
	['1001', 'lumen', 'Lumen'],
	['1002', 'ember', 'Ember'],
	['1003', 'moth_mod', 'Moth_Mod'],
	['2001', 'ann', 'Ann'],
	['2002', 'bo', 'Bo'],
	['2003', 'cy', 'Cy']
];

export class World {
	readonly users = new Map<string, User>();
	readonly games = new Map<string, Game>();
	readonly #channels = new Map<string, Channel>();
	readonly #now: () => Date;

	constructor(now: () => Date) {
		this.#now = now;
		for (const [id, login, name] of seed) this.meet(id, login, name);
		for (const [id, name] of [
			['509658', 'Just Chatting'],
			['26936', 'Music'],
			['509660', 'Art'],
			['33214', 'Fortnite']
		] as const)
			this.games.set(id, { id, name });
	}

	/** Makes somebody known; who is known already keeps their names. */
	meet(id: string, login = `user_${id}`, display_name = login): User {
		const known = this.users.get(id);
		if (known !== undefined) return known;
		const user = { id, login, display_name, created_at: born };
		this.users.set(id, user);
		return user;
	}

	userBy = (idOrLogin: string): User | undefined =>
		this.users.get(idOrLogin) ??
		[...this.users.values()].find(({ login }) => login === idOrLogin.toLowerCase());

	channel(id: string): Channel {
		const known = this.#channels.get(id);
		if (known !== undefined) return known;
		this.meet(id);
		const named = (userId: string): Entry => {
			const { login, display_name } = this.meet(userId);
			return { user_id: userId, user_login: login, user_name: display_name };
		};
		const stamp = () =>
			this.#now()
				.toISOString()
				.replace(/\.\d+Z$/, 'Z');
		const nobody = { gifter_id: '', gifter_login: '', gifter_name: '' };
		const made: Channel = {
			id,
			followers: new People((user) => ({ ...named(user), followed_at: stamp() })),
			subscribers: new People((user) => ({
				...named(user),
				...nobody,
				is_gift: false,
				plan_name: 'Channel subscription',
				tier: '1000'
			})),
			moderators: new People(named),
			vips: new People(named),
			banned: new People((user) => ({
				...named(user),
				expires_at: '',
				created_at: stamp(),
				reason: '',
				moderator_id: id,
				moderator_login: this.meet(id).login,
				moderator_name: this.meet(id).display_name
			})),
			goals: new Map(),
			info: {
				title: 'Hello',
				language: 'en',
				category_id: '509658',
				category_name: 'Just Chatting',
				tags: ['English'],
				labels: []
			},
			stream: null,
			hiddenFor: 0
		};
		this.#channels.set(id, made);
		return made;
	}
}
