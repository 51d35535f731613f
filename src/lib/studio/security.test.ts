import { describe, expect, it } from 'vitest';
import { deviceOf, isHandheld } from './security-device.ts';
import { passkeysAt } from './security-passkeys.ts';

const place = (address: string) => new URL(address);

describe('passkeys', () => {
	it('work where a name is, safely', () => {
		expect(passkeysAt(place('https://cue.example/sign-in'), true)).toBe(true);
		expect(passkeysAt(place('http://localhost:4517/sign-in'), true)).toBe(true);
	});
	it('lead from digits of this machine to its name', () => {
		expect(passkeysAt(place('http://127.0.0.1:4517/studio/security'), true)).toEqual({
			open: 'http://localhost:4517/studio/security'
		});
		expect(passkeysAt(place('http://[::1]:4517/'), true)).toEqual({
			open: 'http://localhost:4517/'
		});
	});
	it('are nowhere on an address of the house, or without https', () => {
		expect(passkeysAt(place('http://192.168.0.7:4517/'), false)).toEqual({ open: null });
		expect(passkeysAt(place('http://cue.example/'), false)).toEqual({ open: null });
	});
});

describe('a device', () => {
	it.each([
		[
			'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
			'Firefox · Windows'
		],
		[
			'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
			'Chrome · Linux'
		],
		[
			'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0',
			'Edge · Windows'
		],
		[
			'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1',
			'Safari · iPhone'
		],
		['curl/8.5.0', null],
		[null, null]
	])('%s is called %s', (userAgent, name) => expect(deviceOf(userAgent)).toBe(name));
	it('is held in a hand or not', () => {
		expect(isHandheld('Mozilla/5.0 (iPhone; …)')).toBe(true);
		expect(isHandheld('Mozilla/5.0 (X11; Linux x86_64)')).toBe(false);
	});
});
