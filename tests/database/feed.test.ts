/** The feed when its database dies and comes back; the rest is in the backend's contract. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { openFeed } from '../../src/lib/server/backend/feed.ts';
import { migrate } from '../../src/lib/server/backend/migrate.ts';
import { answers, dataFolder, pool, quiet, start, until } from './embedded-folder.ts';

// Each test makes a database of its own with real syncs; a busy disk takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

it('hears again after its database was killed, and asks readers to pull, each time', async () => {
	const server = await start(dataFolder());
	await migrate({ url: server.url, supabase: false, log: quiet, migrations: [] });
	const feed = await openFeed(server.url, quiet);
	onTestFinished(() => feed.close());
	const sql = pool(server.url);
	const heard: unknown[] = [];
	let resets = 0;
	feed.onReset(() => {
		throw new Error('one that fails does not keep the others from knowing');
	});
	feed.onReset(() => resets++);
	feed.subscribe((messages) => heard.push(...messages.map(({ event }) => event)));
	for (let round = 1; round <= 3; round++) {
		process.kill(server.pid, 'SIGKILL');
		await until(() => resets === round);
		await answers(sql);
		await sql`select realtime.send('{}', ${`round ${round}`}, 'account:x', true)`;
		await until(() => heard.length === round);
	}
	expect(heard).toEqual(['round 1', 'round 2', 'round 3']);
	expect(resets).toBe(3);
});

it('asks readers to pull when what was notified cannot be read', async () => {
	const server = await start(dataFolder());
	await migrate({ url: server.url, supabase: false, log: quiet, migrations: [] });
	const feed = await openFeed(server.url, quiet);
	onTestFinished(() => feed.close());
	const sql = pool(server.url);
	const told: string[] = [];
	feed.onReset(() => told.push('reset'));
	feed.subscribe((messages) => told.push(...messages.map(({ event }) => event)));
	await sql`select pg_notify('realtime_messages', 'no transaction')`;
	await until(() => told.length === 1);
	await sql`select realtime.send('{}', 'next', 'account:x', true)`;
	await until(() => told.length === 2);
	expect(told).toEqual(['reset', 'next']);
});

it('says so when it cannot listen at all', async () => {
	const server = await start(dataFolder());
	await server.stop();
	await expect(openFeed(server.url, quiet)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
