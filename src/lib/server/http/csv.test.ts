import fc from 'fast-check';
import { expect, it } from 'vitest';
import { csvLine } from './csv.ts';

it('marks what a spreadsheet would run, and keeps the rest', () => {
	expect(csvLine(['=1+1', '+1', '-1', '@x', '\t=1', ' =1', 'plain', 7, null])).toBe(
		`"'=1+1","'+1","'-1","'@x","'\t=1","' =1",plain,7,\r\n`
	);
	expect(csvLine(['a"b', 'a,b', 'a\nb', { a: 1 }])).toBe(`"a""b","a,b","a\nb","{""a"":1}"\r\n`);
});

it('reads back as it was, and no cell begins as a formula', () => {
	fc.assert(
		fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), (cells) => {
			const line = `,${csvLine(cells).slice(0, -2)}`;
			const read = [...line.matchAll(/,(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(
				([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? ''
			);
			expect(read).toHaveLength(cells.length);
			read.forEach((cell, index) => {
				expect(cell).not.toMatch(/^\s*[=+\-@]/);
				expect([cells[index], `'${cells[index]}`]).toContain(cell);
			});
		})
	);
});
