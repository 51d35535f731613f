import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SETUP_FILE, SetupToken } from './setup.ts';

const ORIGIN = 'http://127.0.0.1:4517';
let folder = '';
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'cuelight-setup-'));
});
afterEach(() => rm(folder, { recursive: true }));

const file = () => join(folder, SETUP_FILE);
const shown = (setup: SetupToken) => setup.waiting ?? '';

it('stands in a file of its owner’s with the server’s address, and survives a restart', async () => {
	const setup = await SetupToken.open(folder, ORIGIN, false);
	expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual({
		origin: ORIGIN,
		token: setup.waiting
	});
	expect((await stat(file())).mode & 0o777).toBe(0o600);
	const again = await SetupToken.open(folder, 'http://127.0.0.1:9999', false);
	expect(again.waiting).toBe(setup.waiting);
	expect(await readFile(file(), 'utf8')).toContain('9999');
});

it('is good once: the file goes with its use', async () => {
	const setup = await SetupToken.open(folder, ORIGIN, false);
	const token = shown(setup);
	expect(await setup.use(token, async () => 'made')).toBe('made');
	expect(setup.waiting).toBeNull();
	await expect(stat(file())).rejects.toThrow();
	await expect(setup.use(token, async () => 'again')).rejects.toMatchObject({ code: 'gone' });
});

it('of two at the same time only the first is done', async () => {
	const setup = await SetupToken.open(folder, ORIGIN, false);
	const token = shown(setup);
	let done = 0;
	const results = await Promise.allSettled(
		Array.from({ length: 5 }, () => setup.use(token, async () => (done += 1)))
	);
	expect(done).toBe(1);
	expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('a wrong token does nothing; a setup that fails leaves the token good', async () => {
	const setup = await SetupToken.open(folder, ORIGIN, false);
	const token = shown(setup);
	let done = 0;
	await expect(setup.use('wrong', async () => (done += 1))).rejects.toMatchObject({
		code: 'forbidden'
	});
	await expect(
		setup.use(token, async () => {
			throw new Error('no database');
		})
	).rejects.toThrow('no database');
	expect(done).toBe(0);
	await setup.use(token, async () => (done += 1));
	expect(done).toBe(1);
});

it('with an account there is no token, and an old file goes', async () => {
	await SetupToken.open(folder, ORIGIN, false);
	const setup = await SetupToken.open(folder, ORIGIN, true);
	expect(setup.waiting).toBeNull();
	await expect(stat(file())).rejects.toThrow();
	await expect(setup.use('x', async () => 'made')).rejects.toMatchObject({ code: 'gone' });
});
