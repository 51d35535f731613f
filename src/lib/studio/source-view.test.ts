import { describe, expect, it } from 'vitest';
import {
	declinedGroups,
	detailIn,
	isByHand,
	lampOf,
	needsConsent,
	promptShare,
	stateOf,
	toneOf,
	troubleFirst,
	wordsOf
} from './source-view.ts';
import { aConnection, aPlatform, aReport, aSubscription } from './source-test-builders.ts';

describe('a connection', () => {
	it('is as its source says, unless the link itself no longer stands', () => {
		const source = aReport({ state: 'live' });
		expect(stateOf(aConnection(), source)).toBe('live');
		expect(stateOf(aConnection(), null)).toBe('connecting');
		expect(stateOf(aConnection({ status: 'reconnect_needed' }), source)).toBe('problem');
		expect(stateOf(aConnection({ status: 'disconnected' }), source)).toBe('stopped');
	});

	it('is green only while events arrive by themselves', () => {
		const states = ['live', 'connecting', 'polling', 'waiting', 'stopped', 'problem'] as const;
		expect(states.map(lampOf)).toEqual(['go', 'standby', 'standby', 'standby', 'off', 'stop']);
	});

	it('by webhook secret alone has no login', () => {
		expect([aConnection(), aConnection({ login: null })].map(isByHand)).toEqual([false, true]);
	});
});

describe('groups', () => {
	const ids = (groups: readonly { id: string }[]) => groups.map(({ id }) => id);

	it('were declined when chosen without the consent they need', () => {
		const platform = aPlatform();
		const chosen = ['follows', 'raids', 'chat'];
		expect(ids(declinedGroups(platform, { groups: chosen, scopes: [] }))).toEqual([
			'follows',
			'chat'
		]);
		expect(ids(declinedGroups(platform, { groups: chosen, scopes: ['read:chat'] }))).toEqual([
			'follows'
		]);
		expect(ids(declinedGroups(platform, { groups: ['raids'], scopes: [] }))).toEqual([]);
	});

	it('need the platform asked again only for consents that are missing', () => {
		expect(needsConsent(aPlatform(), ['follows'], ['read:followers'])).toBe(false);
		expect(needsConsent(aPlatform(), ['follows', 'chat'], ['read:followers'])).toBe(true);
	});
});

describe('what is shown', () => {
	it('counts reliability as the share that came by itself', () => {
		const since = null;
		expect(promptShare({ received: 0, missed: 0, since })).toBeNull();
		expect(promptShare({ received: 99, missed: 1, since })).toBe(0.99);
		expect(promptShare({ received: 0, missed: 2, since })).toBe(0);
	});

	it('puts trouble first and keeps the order else', () => {
		const list = ['a', 'b', 'c', 'd'].map((type, at) =>
			aSubscription({ type, status: at % 2 === 0 ? 'enabled' : 'failed' })
		);
		expect(troubleFirst(list).map(({ type }) => type)).toEqual(['b', 'd', 'a', 'c']);
		expect(['enabled', 'pending', 'missing', 'revoked', 'new'].map(toneOf)).toEqual([
			'go',
			'standby',
			'standby',
			'stop',
			'stop'
		]);
	});

	it('finds words for what the dictionary does not know', () => {
		expect(wordsOf('channel.hype_train.begin')).toBe('Hype train begin');
		expect(detailIn('Cut; tried again. (closed with 1006)')).toBe('closed with 1006');
		expect(detailIn('Nothing is added.')).toBeNull();
	});
});
