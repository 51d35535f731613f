import { describe, expect, it } from 'vitest';
import { AppError } from '$lib/bus/error.ts';
import { Draft } from '$lib/bus/event.ts';
import { EventRecorder, type RecorderOptions, type RecordOutcome } from './events.ts';

const aDraft = (name: string): Draft =>
	Draft.parse({
		event_type: 'custom:test',
		class: 'animated',
		platform: 'custom',
		external_id: name,
		data: {}
	});
const drafts = (...names: string[]) => names.map(aDraft);

/** A database that answers when the test says so, and refuses drafts named `poison`. */
function recording(options: RecorderOptions = {}) {
	const calls: { account: string; names: (string | null)[] }[] = [];
	const waiting: (() => void)[] = [];
	let away = false;
	let seq = 0;
	const recorder = new EventRecorder((account, batch) => {
		const names = batch.map(({ external_id }) => external_id);
		calls.push({ account, names });
		return new Promise<RecordOutcome[]>((resolve, reject) => {
			waiting.push(() => {
				if (away) return reject(new AppError('unavailable', 'away'));
				if (names.includes('poison')) return reject(new AppError('invalid_input', 'poison'));
				resolve(
					names.map((name, index) => ({
						index,
						outcome: 'recorded',
						event_id: `event-${name}`,
						seq: (seq += 1),
						status: 'pending'
					}))
				);
			});
		});
	}, options);
	const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
	return {
		recorder,
		calls,
		goAway: () => (away = true),
		/** Lets the calls at hand be answered, and what follows from them be asked. */
		async answer() {
			await settled();
			for (const release of waiting.splice(0)) release();
			await settled();
		}
	};
}

describe('arrivals', () => {
	it('at the same time share one call, and each gets its own outcomes', async () => {
		const { recorder, calls, answer } = recording();
		const results = [
			recorder.record('a', drafts('1')),
			recorder.record('a', drafts('2', '3')),
			recorder.record('a', drafts('4'))
		];
		await answer();
		expect(calls.map(({ names }) => names)).toEqual([['1', '2', '3', '4']]);
		const outcomes = await Promise.all(results);
		expect(outcomes.map((own) => own.map(({ index, event_id }) => [index, event_id]))).toEqual([
			[[0, 'event-1']],
			[
				[0, 'event-2'],
				[1, 'event-3']
			],
			[[0, 'event-4']]
		]);
	});

	it('during a call wait and share the next', async () => {
		const { recorder, calls, answer } = recording();
		const first = recorder.record('a', drafts('1'));
		await new Promise<void>((resolve) => setImmediate(resolve));
		const later = ['2', '3'].map((name) => recorder.record('a', drafts(name)));
		expect(calls).toHaveLength(1);
		await answer();
		await first;
		await answer();
		await Promise.all(later);
		expect(calls.map(({ names }) => names)).toEqual([['1'], ['2', '3']]);
	});

	it('of different accounts do not wait for each other', async () => {
		const { recorder, calls, answer } = recording();
		const results = ['a', 'b'].map((account) => recorder.record(account, drafts(account)));
		await new Promise<void>((resolve) => setImmediate(resolve));
		expect(calls.map(({ account }) => account)).toEqual(['a', 'b']);
		await answer();
		await Promise.all(results);
	});

	it('are never cut in two, and no batch is larger than it may be unless one arrival is', async () => {
		const { recorder, calls, answer } = recording({ batch: 3 });
		const results = [
			drafts('1', '2'),
			drafts('3', '4'),
			drafts('5', '6', '7', '8', '9'),
			drafts('10')
		].map((own) => recorder.record('a', own));
		for (let i = 0; i < 4; i++) await answer();
		await Promise.all(results);
		expect(calls.map(({ names }) => names.length)).toEqual([2, 2, 5, 1]);
	});

	it('of nothing ask nothing', async () => {
		const { recorder, calls } = recording();
		expect(await recorder.record('a', [])).toEqual([]);
		expect(calls).toEqual([]);
	});

	it('beyond what may wait are refused at once', async () => {
		const { recorder, answer } = recording({ waiting: 2 });
		const first = recorder.record('a', drafts('1', '2'));
		await expect(recorder.record('a', drafts('3'))).rejects.toMatchObject({
			code: 'unavailable',
			retryAfter: 1
		});
		await answer();
		await first;
		const again = recorder.record('a', drafts('3'));
		await answer();
		expect(await again).toHaveLength(1);
	});
});

describe('faults', () => {
	it('a poisonous arrival alone hears the refusal', async () => {
		const { recorder, calls, answer } = recording();
		const results = Promise.allSettled([
			recorder.record('a', drafts('1')),
			recorder.record('a', drafts('poison')),
			recorder.record('a', drafts('2'))
		]);
		for (let i = 0; i < 4; i++) await answer();
		expect((await results).map(({ status }) => status)).toEqual([
			'fulfilled',
			'rejected',
			'fulfilled'
		]);
		expect(calls.map(({ names }) => names)).toEqual([
			['1', 'poison', '2'],
			['1'],
			['poison'],
			['2']
		]);
	});

	it('a database that is away is not asked again: what it stored is unknown', async () => {
		const { recorder, calls, goAway, answer } = recording();
		goAway();
		const results = Promise.allSettled([
			recorder.record('a', drafts('1')),
			recorder.record('a', drafts('2'))
		]);
		await answer();
		for (const result of await results)
			expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
		expect(calls).toHaveLength(1);
	});
});
