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
			realtimeLimits: {},
			eventMonths: null,
			rateLimits: {},
			signIn: { social: {}, oidc: null },
			clients: {
				twitch: {
					id: null,
					secret: null,
					addresses: {
						api: 'https://api.twitch.tv/helix',
						id: 'https://id.twitch.tv/oauth2',
						eventsub: 'wss://eventsub.wss.twitch.tv/ws'
					}
				}
			}
		});
	});

	it('reads the programs that the platforms declare, without closing slashes', () => {
		const { clients } = readConfig({
			TWITCH_CLIENT_ID: 'a-client',
			TWITCH_CLIENT_SECRET: 'a-secret',
			TWITCH_API_URL: 'http://127.0.0.1:9/helix/'
		});
		expect(clients.twitch).toMatchObject({
			id: 'a-client',
			secret: 'a-secret',
			addresses: { api: 'http://127.0.0.1:9/helix', id: 'https://id.twitch.tv/oauth2' }
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
		[{ TWITCH_CLIENT_ID: 'no id' }, /TWITCH_CLIENT_ID must be the Client ID/],
		[{ TWITCH_API_URL: 'file:///etc/passwd' }, /TWITCH_API_URL must be an address/],
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
