import { expect, test } from 'vitest';
import { Outbox, type Sink } from './outbox.ts';

class Reader implements Sink {
	owed: Buffer[] = [];
	written: Buffer[] = [];
	take = () => this.owed.splice(0);
	write = (bytes: Buffer) => void this.written.push(bytes);
}

function owe(outbox: Outbox, reader: Reader, ...frames: Buffer[]): void {
	for (const frame of frames) if (reader.owed.push(frame) === 1) outbox.add(reader);
}

const [x, y, z] = ['x', 'yy', 'zzz'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];

test('one write for each reader and tick; readers of the same get the same bytes', () => {
	const flushes: (() => void)[] = [];
	const outbox = new Outbox((flush) => flushes.push(flush));
	const [a, b, c, d] = [new Reader(), new Reader(), new Reader(), new Reader()];
	for (const reader of [a, b]) owe(outbox, reader, x, y);
	owe(outbox, c, x, z);
	owe(outbox, d, x);
	expect(flushes).toHaveLength(1);
	flushes[0]?.();
	expect([a, b, c, d].map(({ written }) => String(written))).toEqual(['xyy', 'xyy', 'xzzz', 'x']);
	expect(a.written[0]).toBe(b.written[0]);
	expect(d.written[0]).toBe(x);
	owe(outbox, a, z);
	expect(flushes).toHaveLength(2);
	flushes[1]?.();
	expect(a.written.map(String)).toEqual(['xyy', 'zzz']);
	expect(b.written).toHaveLength(1);
});

test('a reader that closes while the others are written owes nothing any more', () => {
	const flushes: (() => void)[] = [];
	const outbox = new Outbox((flush) => flushes.push(flush));
	const [a, b] = [new Reader(), new Reader()];
	a.write = () => void b.take();
	owe(outbox, a, x);
	owe(outbox, b, x);
	flushes[0]?.();
	expect(b.written).toEqual([]);
});
