import { describe, expect, it } from 'vitest';
import { readAddress, withDatabase } from './connection.ts';

describe('a DATABASE_URL', () => {
	it.each([
		[
			'postgres://u:p@db.example:6000/d',
			{ path: null, host: 'db.example', port: 6000, ssl: 'prefer' }
		],
		['postgres://u@localhost/d', { path: null, host: 'localhost', port: 5432, ssl: 'disable' }],
		['postgres://u@[::1]/d', { path: null, host: '::1', port: 5432, ssl: 'disable' }],
		['postgres://u@localhost.example/d', { host: 'localhost.example', ssl: 'prefer' }],
		['postgres://u@x/d?sslmode=verify-full', { host: 'x', ssl: 'verify-full' }],
		['postgres://u@localhost/d?sslmode=require', { ssl: 'require' }],
		[
			'postgres://u@localhost/d?host=%2Frun%2Fpg&port=5433',
			{ path: '/run/pg/.s.PGSQL.5433', ssl: 'disable' }
		]
	])('%s is read', (url, address) => {
		expect(readAddress(url)).toMatchObject(address);
		expect(readAddress(url).url).not.toMatch(/sslmode|host=|port=/);
	});

	it.each(['nonsense', 'postgres://u:p#x@h/d', 'postgres://u@h/d?sslmode=perhaps'])(
		'%s is refused with a word on what it should be',
		(url) => {
			expect(() => readAddress(url)).toThrow(/DATABASE_URL/);
		}
	);

	it('keeps everything but the database', () => {
		expect(withDatabase('postgres://u:p@h:1/a?sslmode=require', 'b')).toBe(
			'postgres://u:p@h:1/b?sslmode=require'
		);
	});
});
