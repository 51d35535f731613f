import { describe, expect, it, vi } from 'vitest';
import type { BusMessage } from '$lib/bus';
import { ApiError } from './api.ts';
import { Consent } from './connections-consent.svelte.ts';
import { DeviceConsent } from './connections-device.svelte.ts';
import { Connections } from './connections.svelte.ts';
import type { LiveListener } from './live.svelte.ts';
import type { Begun } from './source-answers.ts';
import { aConnection, aPlatform, aReport } from './source-test-builders.ts';
import { Status } from './status.svelte.ts';
import { Tasks } from './tasks.svelte.ts';
import { AT, statusMessage, uuid } from './test-builders.ts';

/** Time by hand, and the account's messages said by hand. */
function stage() {
	let timers: { run: () => void; ms: number }[] = [];
	let listener: LiveListener = {};
	return {
		later: (run: () => void, ms: number) => {
			const timer = { run, ms };
			timers.push(timer);
			return () => void (timers = timers.filter((one) => one !== timer));
		},
		live: {
			listen: (one: LiveListener) => {
				listener = one;
				return () => void (listener = {});
			}
		},
		say: (message: BusMessage) => listener.onMessage?.(message),
		/** Lets all that waits now happen. */
		pass: () => {
			const due = timers;
			timers = [];
			for (const { run } of due) run();
		},
		waiting: () => timers.map(({ ms }) => ms)
	};
}
const settled = () => new Promise((resolve) => setTimeout(resolve));
const [ONE, TWO, BY_HAND] = [uuid(41), uuid(42), uuid(43)];

async function watch() {
	const theatre = stage();
	const api = {
		platforms: vi.fn(async () => [aPlatform()]),
		connections: vi.fn(async () => [
			aConnection({ id: ONE }),
			aConnection({ id: TWO }),
			aConnection({ id: BY_HAND, login: null })
		]),
		source: vi.fn(async (id: string) => aReport({ connection_id: id })),
		reconcile: vi.fn(async (id: string) => aReport({ connection_id: id, state: 'polling' }))
	};
	const connections = new Connections({ api, ...theatre });
	const stop = connections.start();
	await settled();
	return { ...theatre, api, connections, stop };
}

describe('the connections', () => {
	it('are looked at whole, those by hand without a report', async () => {
		const { connections, api } = await watch();
		expect(connections.items).toHaveLength(3);
		expect(Object.keys(connections.sources)).toEqual([ONE, TWO]);
		expect(api.source.mock.calls.flat()).toEqual([ONE, TWO]);
	});

	it('follow hints: reports for a source, everything for a connection, nothing for others', async () => {
		const { api, say } = await watch();
		const asked = () => [api.connections.mock.calls.length, api.source.mock.calls.length];
		say(statusMessage({}, { subject: 'queue' }));
		await settled();
		expect(asked()).toEqual([1, 2]);
		say(statusMessage({}, { subject: 'source' }));
		await settled();
		expect(asked()).toEqual([1, 4]);
		say(statusMessage({}, { subject: 'connection' }));
		await settled();
		expect(asked()).toEqual([2, 6]);
	});

	it('look again without a hint, until nobody watches', async () => {
		const { api, pass, stop, waiting } = await watch();
		pass();
		await settled();
		expect(api.source).toHaveBeenCalledTimes(4);
		stop();
		expect(waiting()).toEqual([]);
	});

	it('keep what was known of one whose report fails, and the others', async () => {
		const { api, connections, say } = await watch();
		api.source.mockImplementation(async (id: string) => {
			if (id === ONE) throw new ApiError('unavailable');
			return aReport({ connection_id: id, state: 'polling' });
		});
		say(statusMessage({}, { subject: 'source' }));
		await settled();
		expect(connections.sources[ONE]?.state).toBe('live');
		expect(connections.sources[TWO]?.state).toBe('polling');
		expect(connections.sourceErrors[ONE]?.code).toBe('unavailable');
	});

	it('take the answer of a check at once', async () => {
		const { connections } = await watch();
		await connections.reconcile(ONE);
		expect(connections.sources[ONE]?.state).toBe('polling');
	});
});

const begun: Begun = {
	id: 'abc',
	flow: 'device',
	url: null,
	user_code: 'WXYZ',
	verification_uri: null,
	expires_at: AT,
	interval_s: 5
};

describe('a consent by code', () => {
	it('is asked about until it is given, also across a server that starts again', async () => {
		const { later, pass, waiting } = stage();
		const authorization = vi
			.fn()
			.mockResolvedValueOnce({ status: 'pending', reason: null })
			.mockRejectedValueOnce(new ApiError('unreachable'))
			.mockResolvedValueOnce({ status: 'connected', reason: null });
		const device = new DeviceConsent({ api: { authorization }, begun, later });
		const connected = vi.fn();
		device.start(connected);
		for (const states of ['waiting', 'waiting', 'connected']) {
			pass();
			await settled();
			expect(device.state).toBe(states);
		}
		expect(connected).toHaveBeenCalledOnce();
		expect(waiting()).toEqual([]);
	});

	it('is over when the server no longer knows of it, and when the page is left', async () => {
		const lost = stage();
		const forgotten = new DeviceConsent({
			api: { authorization: () => Promise.reject(new ApiError('not_found')) },
			begun,
			later: lost.later
		});
		forgotten.start(() => {});
		lost.pass();
		await settled();
		expect(forgotten.state).toBe('expired');
		const left = stage();
		const authorization = vi.fn();
		new DeviceConsent({ api: { authorization }, begun, later: left.later }).start(() => {})();
		left.pass();
		expect(authorization).not.toHaveBeenCalled();
	});
});

it('a consent by redirect leaves the page and stays busy meanwhile', async () => {
	const gone: string[] = [];
	const consent = new Consent({
		api: {
			authorize: async () => ({ ...begun, flow: 'code', url: 'https://stage.example/allow' }),
			authorization: vi.fn()
		},
		go: (url) => gone.push(url)
	});
	await consent.begin({ platform: 'stage', flow: 'code', groups: [] });
	expect(gone).toEqual(['https://stage.example/allow']);
	expect(consent.busy).toBe('code');
	expect(consent.device).toBeNull();
});

it('channels are looked at again when one goes live, or is connected', async () => {
	const theatre = stage();
	const channelStatus = vi.fn(async () => []);
	const stop = new Status({ api: { channelStatus }, ...theatre }).start();
	await settled();
	for (const subject of ['channel', 'connection', 'queue']) {
		theatre.say(statusMessage({}, { subject }));
		await settled();
	}
	expect(channelStatus).toHaveBeenCalledTimes(3);
	stop();
	theatre.say(statusMessage({}, { subject: 'channel' }));
	expect(channelStatus).toHaveBeenCalledTimes(3);
});

it('tasks are looked at sooner while one runs', async () => {
	const { later, pass, waiting } = stage();
	const task = {
		name: 'a',
		title: 'A',
		interval_s: 60,
		is_enabled: true,
		next_run_at: AT,
		last_run_at: null,
		last_duration_ms: null,
		last_error: null,
		is_running: true,
		runs: 0,
		failures: 0
	};
	const tasks = new Tasks({
		api: { tasks: async () => [task], runTask: vi.fn(), enableTask: vi.fn() },
		later
	});
	const stop = tasks.start();
	await settled();
	expect(waiting()).toEqual([5_000]);
	pass();
	await settled();
	expect(waiting()).toEqual([1_000]);
	stop();
	expect(waiting()).toEqual([]);
});
