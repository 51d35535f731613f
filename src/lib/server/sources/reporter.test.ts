import { expect, it } from 'vitest';
import type { SourceState } from '$lib/server/backend/statements/sources.ts';
import { systemClock } from './clock.ts';
import { Reporter } from './reporter.ts';

const told = (state: SourceState) => ({ state, session_count: 0, problems: [], rows: [] });

it('what goes back while it is written is written once more', async () => {
	const written: string[] = [];
	/** The writes that are on their way. */
	const answers: (() => void)[] = [];
	const reporter = new Reporter({
		clock: systemClock,
		report: ({ state }) => {
			written.push(state);
			return new Promise((resolve) => answers.push(() => resolve(true)));
		},
		save: () => Promise.resolve()
	});
	reporter.tell(told('live'));
	await expect.poll(() => written).toEqual(['live']);
	answers.pop()?.();
	await reporter.flush();
	reporter.tell(told('polling'));
	await expect.poll(() => written).toEqual(['live', 'polling']);
	reporter.tell(told('live'));
	answers.pop()?.();
	await expect.poll(() => written).toEqual(['live', 'polling', 'live']);
	answers.pop()?.();
	await reporter.close();
	expect(written).toHaveLength(3);
});
