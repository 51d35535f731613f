import { expect, it } from 'vitest';
import { SourceEmitter } from './events.ts';

it('a listener that breaks harms neither the others nor who tells', () => {
	const failed: unknown[] = [];
	const emitter = new SourceEmitter((error) => failed.push(error));
	const heard: string[] = [];
	emitter.on('error', () => {
		throw new Error('broken');
	});
	const leave = emitter.on('error', (reason) => heard.push(reason));
	emitter.tell('error', 'one');
	leave();
	emitter.tell('error', 'two');
	expect(heard).toEqual(['one']);
	expect(failed).toHaveLength(2);
});
