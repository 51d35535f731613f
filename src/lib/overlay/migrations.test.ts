import { describe, expect, it } from 'vitest';
import { eachElement, migrate, migrations, version, type Migration } from './migrations.ts';

const steps: Migration[] = [
	{ to: 2, name: 'a second field', up: (document) => ({ ...document, second: true }) },
	{
		to: 3,
		name: 'text: size in place of height',
		up: (document) =>
			eachElement(document, 'text', ({ height, ...rest }) => ({ ...rest, size: height ?? 0 }))
	}
];

describe('migrate', () => {
	it('goes up step by step and says the version it reached', () => {
		expect(migrate({ version: 1, a: 1 }, steps, 3)).toEqual({
			document: { version: 3, a: 1, second: true }
		});
	});

	it('starts from where the document stands', () => {
		expect(migrate({ version: 2 }, steps, 3)).toEqual({ document: { version: 3 } });
	});

	it('leaves the document it was given alone', () => {
		const given = { version: 1, layers: [{ kind: 'text', height: 8 }] };
		migrate(given, steps, 3);
		expect(given).toEqual({ version: 1, layers: [{ kind: 'text', height: 8 }] });
	});

	it('changes the elements of one kind wherever they are', () => {
		const text = { kind: 'text', height: 8 };
		const { document } = migrate(
			{
				version: 2,
				layers: [{ kind: 'scene', elements: [{ kind: 'group', children: [text] }, text] }]
			},
			steps,
			3
		) as { document: object };
		expect(JSON.stringify(document).match(/"size":8/g)).toHaveLength(2);
		expect(JSON.stringify(document)).not.toContain('height');
	});

	const refusals: Record<string, [unknown, number, RegExp]> = {
		'no object': ['text', 3, /not a document/],
		'a fraction': [{ version: 1.5 }, 3, /whole number/],
		'a newer one': [{ version: 4 }, 3, /newer/],
		'a gap in the road': [{ version: 3 }, 4, /no way leads from version 3/]
	};
	for (const [name, [input, target, issue]] of Object.entries(refusals))
		it(`refuses ${name}`, () => {
			expect(migrate(input, steps, target)).toEqual({ issue: expect.stringMatching(issue) });
		});

	it('tells which step a broken document stumbled over', () => {
		const broken: Migration = {
			to: 2,
			name: 'needs layers',
			up: () => {
				throw new Error('layers is missing');
			}
		};
		expect(migrate({ version: 1 }, [broken], 2)).toEqual({
			issue: '1 could not become 2 (needs layers): layers is missing'
		});
	});
});

it('the road leads to today, one step for each version, each with a name', () => {
	expect(migrations.map((step) => step.to)).toEqual(
		Array.from({ length: version - 1 }, (_, i) => i + 2)
	);
	expect(migrations.every((step) => step.name.length > 0)).toBe(true);
});
