/** Reads from the database what the checker judges, straight from the tables, by its own connection. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import type { Rows } from './checker.ts';

/** The socket of the embedded server that runs on a data folder. */
export function socketOf(dataDir: string): string {
	const wanted = (folder: string, depth: number): string | null => {
		for (const name of readdirSync(folder)) {
			const path = join(folder, name);
			if (name.startsWith('.s.PGSQL.') && !name.endsWith('.lock')) return path;
			if (depth > 0 && statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
				const found = wanted(path, depth - 1);
				if (found) return found;
			}
		}
		return null;
	};
	const socket = wanted(realpathSync(dataDir), 2);
	if (!socket) throw new Error(`no Postgres socket below ${dataDir} (nor is ${tmpdir()} searched)`);
	return socket;
}

export const connect = (dataDir: string) =>
	postgres({
		path: socketOf(dataDir),
		username: 'postgres',
		database: 'postgres',
		max: 1,
		onnotice: () => {},
		connect_timeout: 3
	});

export async function readRows(dataDir: string): Promise<Rows> {
	const sql = connect(dataDir);
	try {
		const events = await sql<Rows['events']>`
			select data -> 'user' ->> 'name' as marker, seq::int, priority::int, status, account_id as account
			from app.platform_events where data -> 'user' ->> 'name' like 'chaos-%'`;
		const plays = await sql<Rows['plays']>`
			select p.id, e.data -> 'user' ->> 'name' as marker, p.overlay_id as overlay, p.status, p.reason,
				p.attempt::int, p.started_at is not null as started,
				p.status = 'playing'
					and p.claimed_at + p.duration_ms * interval '1 ms' + interval '5 s' < clock_timestamp() as overdue
			from app.plays p join app.platform_events e on e.id = p.event_id
			where e.data -> 'user' ->> 'name' like 'chaos-%'`;
		return { events: [...events], plays: [...plays] };
	} finally {
		await sql.end();
	}
}

/** Plays that still wait or play: the run is quiet when this is zero. */
export async function openPlays(dataDir: string): Promise<number> {
	const sql = connect(dataDir);
	try {
		const [row] = await sql<{ n: number }[]>`
			select count(*)::int as n from app.plays where status in ('queued', 'playing')`;
		return row?.n ?? 0;
	} finally {
		await sql.end();
	}
}

/**
 * Changes made to this run's own database before it begins: plays last half a second, so that a
 * minute holds many; and, to prove that the checker can fail, dedupe may be switched off by
 * forgetting every key that it stores.
 */
export async function prepareDatabase(dataDir: string, mutant: string | null): Promise<void> {
	const sql = connect(dataDir);
	try {
		await sql.unsafe(`
			create schema chaos;
			create function chaos.shorten() returns trigger language plpgsql as
				$$ begin new.duration_ms := 500; return new; end $$;
			create trigger chaos_shorten before insert on app.plays
				for each row execute function chaos.shorten();`);
		if (mutant === 'no-dedupe')
			await sql.unsafe(`
				create function chaos.forget() returns trigger language plpgsql as
					$$ begin return null; end $$;
				create trigger chaos_forget before insert on app.event_keys
					for each row execute function chaos.forget();`);
	} finally {
		await sql.end();
	}
}
