import { describe, expect, it } from 'vitest';
import { createLog, type LogOptions } from './log.ts';

function recorder(options: Partial<LogOptions> = {}) {
	const lines: string[] = [];
	const now = () => new Date('2026-01-02T03:04:05.678Z');
	const log = createLog({ json: true, now, write: (line) => lines.push(line), ...options });
	return { log, lines };
}

describe('the log', () => {
	it('writes one JSON line with the fields of all its parents', () => {
		const { log, lines } = recorder();
		log.child({ part: 'backend' }).child({ pid: 7 }).info('ready', { ms: 12 });
		expect(lines.map((line) => JSON.parse(line))).toEqual([
			{
				at: '2026-01-02T03:04:05.678Z',
				level: 'info',
				message: 'ready',
				part: 'backend',
				pid: 7,
				ms: 12
			}
		]);
	});

	it('writes for people on a terminal', () => {
		const { log, lines } = recorder({ json: false });
		log.warn('slow', { ms: 12, list: [1] });
		expect(lines).toEqual(['03:04:05 warn  slow ms=12 list=[1]']);
	});

	it('says nothing below its level', () => {
		const { log, lines } = recorder({ level: 'warn' });
		log.debug('a');
		log.info('b');
		log.error('c');
		expect(lines).toHaveLength(1);
	});

	it('tells an error with code, cause and place', () => {
		const { log, lines } = recorder();
		const error = Object.assign(new Error('outer', { cause: new Error('inner') }), { code: 'E1' });
		log.error('failed', { error });
		expect(JSON.parse(lines[0] ?? '')).toMatchObject({
			error: {
				message: 'outer',
				code: 'E1',
				cause: { message: 'inner' },
				stack: expect.any(String)
			}
		});
	});

	it('never carries a secret', () => {
		const { log, lines } = recorder();
		const secrets = [
			'ck_overlay_abcDEF123-_x',
			'ck_api_abcDEF123-_x',
			'sb_secret_abcdef',
			'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'
		];
		log.info(`used ${secrets.join(' ')}`, { url: 'postgres://me:hunter2@host/db', keys: secrets });
		for (const secret of [...secrets, 'hunter2']) expect(lines[0]).not.toContain(secret);
		expect(lines[0]).toContain('postgres://me:…@host/db');
	});

	it('never throws', () => {
		const circular: Record<string, unknown> = {};
		circular.self = circular;
		const { log } = recorder();
		expect(() => log.info('odd', { circular, big: 1n })).not.toThrow();
		const closed = recorder({
			write: () => {
				throw new Error('EPIPE');
			}
		});
		expect(() => closed.log.info('gone')).not.toThrow();
	});
});
