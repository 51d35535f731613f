import { describe, expect, it } from 'vitest';
import { variableNames, variables, viewerPicture, type Shown } from './variables.ts';

const user = {
	id: '7',
	login: 'night_owl',
	name: 'Night Owl',
	picture: 'https://cdn.example/7.png'
};
const shown = (data: Shown['data'], event_type = 'any:gift_sub'): Shown => ({
	event_type,
	platform: 'any',
	data
});

describe('variables', () => {
	const cases: Record<string, [Shown, Record<string, unknown>]> = {
		'a person': [shown({ user }), { user: 'Night Owl', login: 'night_owl' }],
		'nobody, when anonymous': [shown({ user: null }), { user: null, login: null }],
		'a gift': [shown({ user: null, count: 5, tier: 2 }), { count: 5, tier: 2, type: 'gift sub' }],
		'bits as an amount': [shown({ bits: 100 }), { amount: 100, bits: 100 }],
		money: [shown({ amount: 4.5, currency: 'EUR' }), { amount: 4.5, currency: 'EUR' }],
		'a reward by its path': [
			shown({ reward: { title: 'Drink water', cost: 500 } }),
			{ title: 'Drink water', 'reward.cost': 500 }
		],
		'yes and no': [shown({ is_gift: true }), { is_gift: 'yes' }],
		'nothing at all': [shown({}), { user: null, amount: null, message: null, viewers: null }],
		'text on one line, without marks that reorder': [
			shown({ message: ' a\nb\u0000\u202ec\u2066 ' }),
			{ message: 'a b c' }
		],
		'data that lies about its shape': [shown({ user: 'me', amount: ['1'] }), { amount: null }]
	};
	for (const [name, [event, expected]] of Object.entries(cases))
		it(`gives ${name}`, () => {
			expect(variables(event)).toMatchObject(expected);
		});

	it('offers every common name for every event', () => {
		const names = Object.keys(variables(shown({})));
		expect(names).toEqual(expect.arrayContaining(variableNames.map(({ name }) => name)));
	});

	it('takes no list and nothing too deep for a value', () => {
		const values = variables(shown({ list: [1], a: { b: { c: { d: { e: 1 } } } } }));
		expect(Object.keys(values).filter((name) => /list|\.e/.test(name))).toEqual([]);
	});
});

it("the viewer's picture is theirs, or nothing", () => {
	expect(viewerPicture(shown({ user }))).toBe('https://cdn.example/7.png');
	const without: Shown['data'][] = [
		{},
		{ user: null },
		{ user: { picture: null } },
		{ user: { picture: 5 } },
		{ user: { picture: '' } }
	];
	for (const data of without) expect(viewerPicture(shown(data))).toBeNull();
});
