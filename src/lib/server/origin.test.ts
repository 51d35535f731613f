import { describe, expect, it } from 'vitest';
import { allowsSocket, answersFor, isOwnOrigin, mayChange, type OriginPolicy } from './origin.ts';

const local: OriginPolicy = { listen: '127.0.0.1' };
const lan: OriginPolicy = { listen: '0.0.0.0' };
const behindProxy: OriginPolicy = { listen: '127.0.0.1', origin: 'https://cue.example' };

describe('the hosts that are answered for', () => {
	const ours: [OriginPolicy, string][] = [
		[local, '127.0.0.1:4517'],
		[local, 'localhost'],
		[local, 'LOCALHOST:80'],
		[local, '[::1]:4517'],
		[local, '127.8.9.1'],
		[lan, '192.168.1.20:4517'],
		[lan, '10.0.0.3'],
		[lan, 'studio.local:4517'],
		[behindProxy, 'cue.example'],
		[behindProxy, '127.0.0.1:4517']
	];
	for (const [policy, host] of ours)
		it(`${host} on ${policy.listen}`, () => {
			expect(answersFor(policy, host)).toBe(true);
		});

	const foreign: [OriginPolicy, string | null][] = [
		[local, 'evil.test'],
		[local, '127.0.0.1.evil.test'],
		[local, 'localhost.evil.test:4517'],
		[local, '192.168.1.20'],
		[local, 'studio.local'],
		[local, ''],
		[local, null],
		[local, '127.0.0.1/@evil.test'],
		[local, 'user@127.0.0.1'],
		[local, '127.0.0.1, evil.test'],
		[lan, 'evil.test'],
		[lan, '8.8.8.8'],
		[lan, 'cue.example'],
		[behindProxy, 'sub.cue.example'],
		[behindProxy, 'cue.example.evil.test']
	];
	for (const [policy, host] of foreign)
		it(`not ${host} on ${policy.listen}`, () => {
			expect(answersFor(policy, host)).toBe(false);
		});
});

describe('own pages', () => {
	const HOST = '127.0.0.1:4517';
	it('have the origin of the host they ask', () => {
		expect(isOwnOrigin(local, 'http://127.0.0.1:4517', HOST)).toBe(true);
		expect(isOwnOrigin(behindProxy, 'https://cue.example', 'cue.example')).toBe(true);
		// A proxy may pass another Host on.
		expect(isOwnOrigin(behindProxy, 'https://cue.example', HOST)).toBe(true);
	});
	for (const origin of [
		'null',
		'https://evil.test',
		'http://127.0.0.1:4518',
		'http://127.0.0.1',
		'http://127.0.0.1:4517.evil.test',
		'http://127.0.0.1:4517@evil.test',
		'http://evil.test/127.0.0.1:4517',
		'file://',
		'chrome-extension://abc'
	])
		it(`are not of ${origin}`, () => {
			expect(isOwnOrigin(local, origin, HOST)).toBe(false);
			expect(allowsSocket(local, origin, HOST)).toBe(false);
		});
	it('of a rebound name are not ours though host and origin agree', () => {
		expect(isOwnOrigin(local, 'http://evil.test', 'evil.test')).toBe(false);
		expect(allowsSocket(local, undefined, 'evil.test')).toBe(false);
	});
	it('programs open sockets without an origin', () => {
		expect(allowsSocket(local, undefined, HOST)).toBe(true);
	});
});

describe('who may change something', () => {
	const ask = (headers: Record<string, string>, method = 'POST') => {
		const request = new Request('http://127.0.0.1:4517/v1/queue/pause', { method });
		for (const [name, value] of Object.entries({ host: '127.0.0.1:4517', ...headers }))
			request.headers.set(name, value);
		return request;
	};
	const cases: [Record<string, string>, usesCookie: boolean, may: boolean][] = [
		[{ origin: 'http://127.0.0.1:4517' }, true, true],
		[{ 'sec-fetch-site': 'same-origin' }, true, true],
		[{}, false, true],
		[{}, true, false],
		[{ origin: 'https://evil.test' }, true, false],
		[{ origin: 'https://evil.test' }, false, false],
		[{ origin: 'null' }, true, false],
		[{ 'sec-fetch-site': 'cross-site' }, true, false],
		[{ 'sec-fetch-site': 'same-site' }, false, false],
		[{ origin: 'https://evil.test', 'sec-fetch-site': 'same-origin' }, true, false]
	];
	for (const [headers, usesCookie, may] of cases)
		it(`${JSON.stringify(headers)} ${usesCookie ? 'with' : 'without'} a cookie: ${may}`, () => {
			expect(mayChange(local, ask(headers), usesCookie)).toBe(may);
		});
	it('reading changes nothing', () => {
		expect(mayChange(local, ask({ origin: 'https://evil.test' }, 'GET'), true)).toBe(true);
	});
});
