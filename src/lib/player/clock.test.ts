import { expect, test } from 'vitest';
import { manualClock } from './clock.ts';

test('a manual clock runs what falls due in order, each at its moment', () => {
	const clock = manualClock();
	const ran: string[] = [];
	clock.after(300, () => ran.push(`late at ${clock.now()}`));
	clock.after(100, () => {
		ran.push(`early at ${clock.now()}`);
		clock.after(50, () => ran.push(`added at ${clock.now()}`));
	});
	const stop = clock.after(200, () => ran.push('called off'));
	stop();
	clock.advance(250);
	expect(ran).toEqual(['early at 100', 'added at 150']);
	clock.advance(50);
	expect(ran.at(-1)).toBe('late at 300');
	expect(clock.pending).toBe(0);
});
