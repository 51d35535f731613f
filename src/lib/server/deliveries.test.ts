import { expect, it } from 'vitest';
import type { DeliveryRecord } from '$lib/platforms/ingest.ts';
import { DeliveryLog } from './deliveries.ts';

function aLog() {
	const state = { now: 0, written: [] as string[] };
	const log = new DeliveryLog(
		async (connection, message, _kind, outcome) => {
			state.written.push(`${connection} ${message} ${outcome}`);
		},
		() => state.now
	);
	const note = (change: Partial<DeliveryRecord>) =>
		log.note({
			platform: 'twitch',
			connection_id: 'one',
			message_id: 'm',
			kind: 'notification',
			outcome: 'recorded',
			detail: null,
			at: new Date(0),
			...change
		});
	return { state, note };
}

it('of deliveries that became events one a second and connection is kept', async () => {
	const { state, note } = aLog();
	await note({ message_id: 'a' });
	await note({ message_id: 'b' });
	await note({ message_id: 'c', connection_id: 'two' });
	state.now = 1_000;
	await note({ message_id: 'd' });
	expect(state.written).toEqual(['one a recorded', 'two c recorded', 'one d recorded']);
});

it('everything else of a known connection is kept with its reason', async () => {
	const { state, note } = aLog();
	await note({ outcome: 'duplicate' });
	await note({ outcome: 'duplicate', detail: 'seen before' });
	expect(state.written).toEqual(['one m duplicate', 'one m duplicate: seen before']);
});

it('what nobody connected fills nothing', async () => {
	const { state, note } = aLog();
	await note({ connection_id: null });
	expect(state.written).toEqual([]);
});
