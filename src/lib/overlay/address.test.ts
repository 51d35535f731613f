import { describe, expect, it } from 'vitest';
import { mayLoad } from './address.ts';

describe('mayLoad', () => {
	const hosts = ['cdn.example.com', '*.pictures.example'];
	const cases: Record<string, boolean> = {
		'/pictures/a.png': true,
		'https://cdn.example.com/a.png': true,
		'https://a.pictures.example/a.png': true,
		'https://pictures.example/a.png': false,
		'https://evilpictures.example/a.png': false,
		'https://cdn.example.com.evil.example/a.png': false,
		'https://cdn.example.com@evil.example/a.png': false,
		'https://evil.example/?cdn.example.com': false,
		'https://cdn.example.com\\@evil.example/': false,
		'http://cdn.example.com/a.png': false,
		'//evil.example/a.png': false,
		'/\\evil.example/a.png': false,
		'data:image/png;base64,AAAA': false,
		'javascript:alert(1)': false,
		'blob:https://cdn.example.com/1': false,
		'https://': false,
		'': false
	};
	for (const [address, expected] of Object.entries(cases))
		it(`${expected ? 'takes' : 'refuses'} ${address || 'nothing'}`, () => {
			expect(mayLoad(address, hosts)).toBe(expected);
		});
});
