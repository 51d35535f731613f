/**
 * The history of a run: one JSON line for each thing that a process did or saw, appended at once.
 * Times are milliseconds of CLOCK_MONOTONIC, which all processes of one machine share, so lines of
 * different processes can be compared; a clock set by hand changes nothing.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { z } from 'zod';

export const Entry = z.discriminatedUnion('f', [
	/** A producer sends (invoke), and what came of it: ok = 2xx, fail = refused, info = no answer. */
	z.object({
		t: z.number(),
		process: z.string(),
		f: z.literal('send'),
		type: z.enum(['invoke', 'ok', 'fail', 'info']),
		marker: z.string(),
		status: z.number().optional()
	}),
	/** A cancel of an event, acknowledged (ok) or not. */
	z.object({
		t: z.number(),
		process: z.string(),
		f: z.literal('cancel'),
		type: z.enum(['invoke', 'ok', 'fail', 'info']),
		marker: z.string(),
		event_id: z.string(),
		status: z.number().optional()
	}),
	/** An overlay page begins, and ends when it was killed or closed. */
	z.object({
		t: z.number(),
		process: z.string(),
		f: z.literal('page'),
		type: z.enum(['start', 'killed', 'stopped']),
		overlay: z.string(),
		instance: z.string()
	}),
	/** The page's link to the server. */
	z.object({
		t: z.number(),
		process: z.string(),
		f: z.literal('link'),
		type: z.enum(['up', 'down']),
		instance: z.string()
	}),
	/** The page put a play on screen, or took it off. */
	z.object({
		t: z.number(),
		process: z.string(),
		f: z.enum(['show', 'hide']),
		instance: z.string(),
		overlay: z.string(),
		play: z.string(),
		marker: z.string(),
		attempt: z.number(),
		reason: z.string(),
		how: z.string().optional()
	}),
	/** A fault was injected. */
	z.object({ t: z.number(), process: z.string(), f: z.literal('fault'), kind: z.string() }),
	z.object({ t: z.number(), process: z.string(), f: z.literal('ready') })
]);
export type Entry = z.infer<typeof Entry>;
/** An entry without its time, which the writer adds. */
export type Untimed<T = Entry> = T extends Entry ? Omit<T, 't'> : never;

/** Milliseconds of the machine's monotonic clock. */
export const monotonicNow = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** Appends to the file; a line is written in one call, so lines of several processes do not mix. */
export function historyWriter(file: string): (entry: Untimed) => void {
	return (entry) => appendFileSync(file, `${JSON.stringify({ t: monotonicNow(), ...entry })}\n`);
}

/** All entries in order of time. A last line cut short by a kill is left out. */
export function readHistory(file: string): Entry[] {
	const entries: Entry[] = [];
	for (const line of readFileSync(file, 'utf8').split('\n')) {
		if (!line.endsWith('}')) continue;
		entries.push(Entry.parse(JSON.parse(line)));
	}
	return entries.sort((a, b) => a.t - b.t);
}
