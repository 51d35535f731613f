/**
 * What became of deliveries, for the people who wonder why a platform fell silent. Deliveries of
 * nobody's channel are not kept, so that strangers fill nothing. Of those that became events one a
 * second and connection is kept, which tells that the platform is heard: the event itself is the
 * record, under the same message id, and a flood should not be written twice.
 */
import type { DeliveryRecord } from '$lib/platforms/ingest.ts';

const HEARD_EVERY_MS = 1_000;

type Write = (
	connectionId: string,
	messageId: string | null,
	kind: DeliveryRecord['kind'],
	outcome: string
) => Promise<unknown>;

export class DeliveryLog {
	readonly #write: Write;
	readonly #now: () => number;
	readonly #heard = new Map<string, number>();

	/** `now`: monotonic milliseconds. */
	constructor(write: Write, now: () => number) {
		this.#write = write;
		this.#now = now;
	}

	async note({ connection_id, message_id, kind, outcome, detail }: DeliveryRecord): Promise<void> {
		if (connection_id === null) return;
		if (outcome === 'recorded') {
			const now = this.#now();
			if (now - (this.#heard.get(connection_id) ?? -Infinity) < HEARD_EVERY_MS) return;
			this.#heard.set(connection_id, now);
		}
		// Why a platform stopped sending is the very thing its owner must read.
		await this.#write(
			connection_id,
			message_id,
			kind,
			detail === null ? outcome : `${outcome}: ${detail}`
		);
	}
}
