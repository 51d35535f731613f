import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { ConnectionDirectory } from './connections.ts';
import { createLog } from './log.ts';
import { SecretBox } from './secrets.ts';

const account_id = '11111111-1111-4111-8111-111111111111';
const box = new SecretBox(randomBytes(32));
const sealed = (secret: string, owner = account_id) => ({
	id: '22222222-2222-4222-8222-222222222222',
	account_id,
	channel_id: '1001',
	secret_ciphertext: Buffer.from(box.seal(secret, { account_id: owner, provider: 'twitch' }))
});

function aDirectory(stored: ReturnType<typeof sealed>[]) {
	const state = { stored, now: 0, looks: 0 };
	const directory = new ConnectionDirectory({
		look: async () => {
			state.looks += 1;
			return state.stored;
		},
		secrets: box,
		log: createLog({ level: 'silent' }),
		now: () => state.now
	});
	const secrets = async () =>
		(await directory.find('twitch', '1001')).flatMap((connection) => connection.secrets);
	return { state, directory, secrets };
}

it('a flood asks the database once a second, and a changed secret is known within one', async () => {
	const { state, secrets } = aDirectory([sealed('first')]);
	expect(await Promise.all([secrets(), secrets(), secrets()])).toEqual([
		['first'],
		['first'],
		['first']
	]);
	expect(state.looks).toBe(1);
	state.stored = [sealed('second')];
	state.now = 999;
	expect(await secrets()).toEqual(['first']);
	state.now = 1_000;
	expect(await secrets()).toEqual(['second']);
});

it('what was not found is not remembered: a new connection works at once', async () => {
	const { state, secrets } = aDirectory([]);
	expect(await secrets()).toEqual([]);
	state.stored = [sealed('new')];
	expect(await secrets()).toEqual(['new']);
});

it('a secret sealed for another account opens for nobody', async () => {
	const { secrets } = aDirectory([sealed('stolen', '33333333-3333-4333-8333-333333333333')]);
	expect(await secrets()).toEqual([]);
});

it('a delivery that names no channel is for nobody, and asks nothing', async () => {
	const { state, directory } = aDirectory([sealed('first')]);
	expect(await directory.find('twitch', null)).toEqual([]);
	expect(state.looks).toBe(0);
});
