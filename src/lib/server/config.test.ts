import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';

describe('the configuration', () => {
	it('needs nothing', () => {
		expect(readConfig({})).toEqual({
			host: '127.0.0.1',
			port: 4517,
			origin: null,
			dataDir: resolve('.cuelight'),
			databaseUrl: null,
			supabaseUrl: null,
			supabasePublishableKey: null,
			signingKey: null,
			encryptionKey: null,
			logLevel: 'info',
			realtimeLimits: {}
		});
	});

	it('takes an empty variable as none', () => {
		expect(readConfig({ PORT: '', DATABASE_URL: '', ORIGIN: '' })).toEqual(readConfig({}));
	});

	it('reads what is set', () => {
		const config = readConfig({
			PORT: '80',
			ORIGIN: 'https://cues.example/path',
			DATABASE_URL: 'postgresql://a:b@c/d',
			CUELIGHT_REALTIME_LIMITS: '{"max_connections":5}'
		});
		expect(config).toMatchObject({
			port: 80,
			origin: 'https://cues.example',
			databaseUrl: 'postgresql://a:b@c/d',
			realtimeLimits: { max_connections: 5 }
		});
	});

	it.each([
		[{ PORT: 'eighty' }, /PORT/],
		[{ PORT: '70000' }, /PORT/],
		[{ ORIGIN: 'ftp://x' }, /ORIGIN/],
		[{ DATABASE_URL: 'mysql://x' }, /DATABASE_URL must begin with postgres/],
		[{ CUELIGHT_LOG: 'loud' }, /CUELIGHT_LOG/],
		[{ CUELIGHT_REALTIME_LIMITS: '{' }, /CUELIGHT_REALTIME_LIMITS/],
		[{ CUELIGHT_REALTIME_LIMITS: '{"a":"b"}' }, /CUELIGHT_REALTIME_LIMITS/],
		[{ SUPABASE_URL: 'https://x.supabase.co', SUPABASE_PUBLISHABLE_KEY: 'k' }, /DATABASE_URL/],
		[{ SUPABASE_URL: 'https://x.supabase.co', DATABASE_URL: 'postgres://x/y' }, /PUBLISHABLE_KEY/]
	])('refuses %j by name', (env, message) => {
		expect(() => readConfig(env)).toThrow(message);
	});
});
