/** The history taken along: a file of the events that a filter finds, newest first. */
import { z } from 'zod';
import { StreamingEvent } from '$lib/bus/event.ts';
import * as events from '$lib/server/backend/statements/events.ts';
import { csvLine } from '$lib/server/http/csv.ts';
import { streamed } from '$lib/server/http/streamed.ts';
import { defineAction } from './define.ts';
import { EventFilter } from './events.ts';
import { accountOf } from './principal.ts';

/** As many as the history gives at once. */
const ROWS_AT_ONCE = 200;
const columns = [
	...(['seq', 'id', 'created_at', 'event_type', 'platform', 'class', 'origin', 'status'] as const),
	...(['priority', 'occurred_at', 'scheduled_at', 'started_at', 'completed_at'] as const),
	...(['external_id', 'data', 'metadata'] as const)
] as const satisfies (keyof StreamingEvent)[];

type Format = 'jsonl' | 'json' | 'csv';
const files: Record<Format, { type: string; file: string }> = {
	jsonl: { type: 'application/x-ndjson', file: 'events.jsonl' },
	json: { type: 'application/json', file: 'events.json' },
	csv: { type: 'text/csv; charset=utf-8', file: 'events.csv' }
};
const written: Record<Format, (event: StreamingEvent, isFirst: boolean) => string> = {
	jsonl: (event) => `${JSON.stringify(event)}\n`,
	json: (event, isFirst) => `${isFirst ? '\n' : ',\n'}${JSON.stringify(event)}`,
	csv: (event) => csvLine(columns.map((column) => event[column]))
};

const download = defineAction({
	id: 'events.export',
	summary: 'Downloads the events that a filter finds, newest first: lines of JSON, JSON or CSV.',
	method: 'GET',
	path: '/events/export',
	permission: 'events:read',
	input: z.strictObject({
		...EventFilter,
		format: z.enum(['jsonl', 'json', 'csv']).default('jsonl')
	}),
	output: StreamingEvent,
	media: 'application/x-ndjson',
	run: async ({ as, principal }, { format, ...filter }) => {
		const account = accountOf(principal);
		// Each page is a transaction of its own, in which permission is asked again.
		const read = (cursor: number | undefined) =>
			as((sql) => events.listEvents(sql, account, { ...filter, limit: ROWS_AT_ONCE, cursor }));
		// Before the head is out, so that a refusal is one.
		const first = await read(undefined);
		async function* parts() {
			if (format === 'csv') yield csvLine(columns);
			if (format === 'json') yield '[';
			let isFirst = true;
			for (let page = first; ; page = await read(page.next_cursor ?? undefined)) {
				const lines: string[] = [];
				for (const event of page.items) {
					lines.push(written[format](event, isFirst));
					isFirst = false;
				}
				yield lines.join('');
				if (page.next_cursor === null) break;
			}
			if (format === 'json') yield '\n]\n';
		}
		return streamed(parts(), files[format]);
	}
});

export const eventExportActions = [download];
