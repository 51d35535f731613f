/**
 * The simulator's own buttons over HTTP: `/` is a page, `POST /sim/<verb>` does what tests do by
 * calling methods, `GET /sim/state` tells how things stand. Never part of Twitch's addresses.
 */
import { allTypes, isTwitchType, noticeTypes } from './generators/index.ts';
import { isRecord, jsonOf, refuse, type Answer, type Asked } from './http.ts';
import { controlPage } from './control-page.ts';
import type { TwitchSimulator } from './simulator.ts';
import type { Fault } from './script.ts';

type Body = Readonly<Record<string, unknown>>;
type Verb = (twitch: TwitchSimulator, body: Body) => unknown;

const channelOf = ({ channel }: Body): string => (typeof channel === 'string' ? channel : '1001');
const numberOf = (value: unknown, otherwise: number): number =>
	typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
const told = (facts: readonly { readonly deliveries: readonly { readonly sent: number }[] }[]) => ({
	facts: facts.length,
	told: facts.filter(({ deliveries }) => deliveries.some(({ sent }) => sent > 0)).length
});

/** What a planned fault is, by its name on the page: a status, or how the connection ends. */
function faultOf(kind: unknown): Fault {
	if (kind === 'timeout' || kind === 'reset' || kind === 'lost') return kind;
	return { status: Math.min(599, Math.max(400, numberOf(kind, 500))) };
}

const verbs: Readonly<Record<string, Verb>> = {
	fire(twitch, body) {
		const { type } = body;
		if (typeof type !== 'string' || !isTwitchType(type)) return null;
		const event = isRecord(body['event']) ? body['event'] : {};
		return told([twitch.fire(type, channelOf(body), event)]);
	},
	notice(twitch, body) {
		const kind = noticeTypes.find((one) => one === body['kind']);
		return kind === undefined ? null : told([twitch.fireNotice(kind, channelOf(body))]);
	},
	bomb: (twitch, body) =>
		told(
			twitch.giftBomb(channelOf(body), {
				count: Math.min(1_000, Math.max(1, numberOf(body['count'], 5))),
				isAnonymous: body['anonymous'] === true
			})
		),
	cut: (twitch) => twitch.cut(),
	close: (twitch, body) => twitch.close(numberOf(body['code'], 4000)),
	reconnect: (twitch) => twitch.reconnect(),
	silence: (twitch) => twitch.keepalive.silence(),
	speak: (twitch) => twitch.keepalive.speak(),
	drop: (twitch, body) => twitch.script.dropNext(numberOf(body['times'], 1)),
	duplicate: (twitch, body) => twitch.script.duplicateNext(numberOf(body['times'], 1)),
	fail: (twitch, body) =>
		twitch.script.fail(String(body['path']), faultOf(body['kind']), numberOf(body['times'], 1)),
	hide(twitch, body) {
		twitch.channel(channelOf(body)).hiddenFor = numberOf(body['times'], 3);
	},
	'end-tokens': (twitch) => twitch.tokens.endEarly(),
	disconnect: (twitch, body) => told([twitch.disconnect(channelOf(body))]),
	heal: (twitch) => twitch.script.heal(),
	advance: (twitch, body) => twitch.clock.advance(numberOf(body['ms'], 0)),
	allow(twitch, body) {
		const { user } = body;
		twitch.oauth.autoAllow = typeof user === 'string' ? user : null;
	}
};

function state(twitch: TwitchSimulator) {
	const { subscriptions, sockets, records } = twitch;
	return {
		channels: [...twitch.users.values()].slice(0, 6).map(({ id, display_name }) => ({
			id,
			name: display_name,
			is_live: twitch.channel(id).stream !== null,
			followers: twitch.channel(id).followers.size
		})),
		sockets: sockets.sessions.size,
		subscriptions: [...subscriptions.all.values()].map(({ type, status, transport }) => ({
			type,
			status,
			method: transport.method
		})),
		facts: records.facts.length,
		told: records.told().length,
		log: records.happenings.slice(-40).reverse()
	};
}

/** Answers what is not Twitch's; undefined for all that is. */
export function control(twitch: TwitchSimulator, asked: Asked): Answer | undefined {
	const { method, path } = asked;
	if (path === '/' && method === 'GET')
		return { status: 200, body: controlPage(twitch.env, allTypes, noticeTypes) };
	if (!path.startsWith('/sim/')) return undefined;
	if (path === '/sim/state' && method === 'GET') return { status: 200, body: state(twitch) };
	const name = path.slice('/sim/'.length);
	const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
	if (verb === undefined || method !== 'POST') return refuse(404, `no such button: ${name}`);
	const done = verb(twitch, jsonOf(asked) ?? {});
	return done === null
		? refuse(400, `${name} does not know what it was given`)
		: { status: 200, body: done ?? {} };
}
