import { expect, test } from 'vitest';
import { AppError, type Draft } from '../bus/index.ts';
import type { Part } from './gather.ts';
import { take, type Arrival } from './take.ts';

const platform = { name: 'stage' };
const connection = { account_id: 'a-1' };
const draft = (key: string, part?: Arrival['part']): Arrival => ({
	...{ event_type: 'stage:fact', class: 'data', platform: 'stage', data: {}, transport_key: key },
	...(part && { part })
});
const part = { rule: 'gifts', channel_id: '1', about: { kind: 'head' } };

/** Ports that remember what was asked of them, in order. */
function ports() {
	const asked: string[] = [];
	return {
		asked,
		record: async (account: string, drafts: Draft[]) => {
			asked.push(`record ${account} ${drafts.map(({ transport_key }) => transport_key).join()}`);
			return drafts.map((_, seq) => ({ outcome: 'duplicate' as const, event_id: 'e', seq }));
		},
		gather: async (account: string, parts: Part[]) => {
			asked.push(`gather ${account} ${parts.map((one) => one.name).join()}`);
			return parts.map(() => ({ outcome: 'gathered' as const, event_id: null, seq: null }));
		}
	};
}

test('what is whole is recorded, what may be a part is gathered, in one go each', async () => {
	const door = ports();
	const drafts = [draft('a'), draft('b', part), draft('c')];
	const taken = await take(platform, connection, { kind: 'events', drafts }, door);
	expect(door.asked).toEqual(['record a-1 a,c', 'gather a-1 stage:gifts:1']);
	expect(taken).toMatchObject({ outcome: 'gathered', reason: null });
	expect(taken.recorded).toHaveLength(3);
});

test('what is no part costs one call, and drafts of a poll come as they are', async () => {
	const door = ports();
	expect(await take(platform, connection, [draft('a')], door)).toMatchObject({
		outcome: 'duplicate'
	});
	expect(door.asked).toEqual(['record a-1 a']);
});

test('a draft that the bus refuses costs only itself', async () => {
	const door = ports();
	const odd = { ...draft('x'), event_type: 'no colon' };
	const foreign = { ...draft('y'), platform: 'other' };
	const taken = await take(platform, connection, [odd, draft('a'), foreign], door);
	expect(taken.reason).toContain('platform other is not stage');
	expect(door.asked).toEqual(['record a-1 a']);
	expect(await take(platform, connection, [odd], door)).toMatchObject({
		outcome: 'ignored',
		reason: expect.stringContaining('event_type')
	});
	expect(await take(platform, connection, [], door)).toMatchObject({ outcome: 'ignored' });
	expect(door.asked).toHaveLength(1);
});

test('what brings no events stores nothing and says why', async () => {
	const door = ports();
	const say = (said: Parameters<typeof take>[2]) => take(platform, connection, said, door);
	expect(await say({ kind: 'ignored', reason: 'dull' })).toMatchObject({ reason: 'dull' });
	expect(await say({ kind: 'malformed', reason: 'odd' })).toMatchObject({ outcome: 'malformed' });
	expect(await say({ kind: 'challenge', answer: 'x' })).toMatchObject({ outcome: 'challenge' });
	expect(await say({ kind: 'revoked', subscription: 's', reason: 'gone' })).toMatchObject({
		outcome: 'revoked',
		reason: 's: gone'
	});
	expect(door.asked).toEqual([]);
});

test('a database that is away is the caller’s to try again, as are too few answers', async () => {
	const away = new AppError('unavailable', 'The database is away.');
	const fails = () => Promise.reject(away);
	for (const broken of [
		{ ...ports(), record: fails },
		{ ...ports(), gather: fails }
	])
		await expect(take(platform, connection, [draft('a'), draft('b', part)], broken)).rejects.toBe(
			away
		);
	const mute = { ...ports(), record: async () => [] };
	await expect(take(platform, connection, [draft('a')], mute)).rejects.toThrow('0 results');
});
