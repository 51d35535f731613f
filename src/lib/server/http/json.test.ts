import { describe, expect, it } from 'vitest';
import { AppError } from '$lib/bus/error.ts';
import { MAX_DEPTH, parseStrictly } from './json.ts';

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('sound JSON is read as JSON.parse reads it', () => {
	const sound: Record<string, string> = {
		'an object': '{"a":1,"b":[true,false,null,"x"]}',
		'escapes in keys and text': '{"\\u0061\\n":"\\ud83d\\ude00 \\u2028 \\\\u0000"}',
		'the same key in two objects': '[{"a":1},{"a":2},{"b":{"a":3}}]',
		'a text that looks like structure': '{"a":"{\\"a\\":1,\\"a\\":2}","b":"[["}',
		'numbers of all forms': '[-0, 1.5e3, 9007199254740991, 1e308, 0.1, 12345678901234567890.5]',
		'the deepest nesting': nested(MAX_DEPTH),
		'scalars and space': ' \t\n"x" '
	};
	for (const [name, text] of Object.entries(sound))
		it(name, () => {
			expect(parseStrictly(text)).toEqual(JSON.parse(text));
		});
});

describe('what is refused, and why', () => {
	const refused: Record<string, [text: string, reason: RegExp]> = {
		'nothing at all': ['', /not valid JSON/],
		'two values': ['{} {}', /not valid JSON/],
		'a text without end': ['{"a":"b', /does not end/],
		'a broken escape': ['{"a":"\\x"}', /broken escape/],
		'a key given twice': ['{"a":1,"a":1}', /"a" twice/],
		'the same key in two spellings': ['{"a":1,"\\u0061":1}', /"a" twice/],
		'a prototype': ['{"data":{"__proto__":{}}}', /__proto__/],
		'a prototype in disguise': ['{"\\u005f_proto__":{}}', /__proto__/],
		'U+0000': ['{"a":"\\u0000"}', /cannot be stored/],
		'half a pair': ['{"a":"\\ud800"}', /cannot be stored/],
		'half a pair in a key': ['{"\\udc00":1}', /cannot be stored/],
		'an infinite number': ['{"a":1e400}', /too large/],
		'an integer that would change': ['{"a":9007199254740993}', /exact/],
		NaN: ['{"a":NaN}', /not valid JSON/],
		'one level too deep': [nested(MAX_DEPTH + 1), /deeper/],
		'ten thousand levels': [nested(10_000), /deeper/],
		'a byte order mark': ['\ufeff{}', /byte order mark/],
		'unbalanced brackets': [']]]]', /not valid JSON/]
	};
	for (const [name, [text, reason]] of Object.entries(refused))
		it(name, () => {
			expect(() => parseStrictly(text)).toThrow(reason);
			expect(() => parseStrictly(text)).toThrow(AppError);
		});
});
