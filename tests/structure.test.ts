/** The shape of the house: rooms, doors and names. What a rule means stands with the rule. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { platforms } from '../src/lib/platforms/catalog.ts';
import { template } from '../src/lib/platforms/_template/index.ts';
import { offenceOf, rules } from './structure/rules.ts';
import { filesBelow, root, sourcesBelow } from './structure/sources.ts';

const sources = ['src', 'tests', 'supabase'].flatMap(sourcesBelow);

describe.each(rules)('$name', (rule) => {
	test('everywhere', () => {
		const offences = sources.flatMap((source) =>
			rule.check(source).map((sentence) => `${source.path} ${sentence}`)
		);
		expect(offences).toEqual([]);
	});
	test('and the rule finds an offence', () => {
		expect(rule.check(offenceOf(rule))).not.toEqual([]);
	});
});

describe('the top level', () => {
	/** Folders and files that the tools need; what git ignores may lie about. */
	const belongs = [
		...['src', 'static', 'supabase', 'tests'],
		...['README.md', 'package.json', 'package-lock.json'],
		...['svelte.config.js', 'vite.config.ts', 'tsconfig.json', 'eslint.config.js']
	];
	test('has what the design says, and dotfiles', () => {
		const ignored = readFileSync(join(root, '.gitignore'), 'utf8').split('\n');
		const others = readdirSync(root)
			.filter((name) => !name.startsWith('.') && !belongs.includes(name))
			.filter((name) => !ignored.includes(name) && !ignored.includes(`${name}/`))
			.filter((name) => !name.startsWith('vite.config.ts.timestamp'));
		expect(others).toEqual([]);
	});
});

describe('platforms', () => {
	const folder = 'src/lib/platforms';
	const folders = readdirSync(join(root, folder), { withFileTypes: true })
		.filter((entry) => entry.isDirectory())
		.map((entry) => entry.name);
	const filesOf = (name: string) =>
		filesBelow(`${folder}/${name}`).map((path) => path.slice(`${folder}/${name}/`.length));

	test('each folder is in the catalog, the template is not', () => {
		const names = platforms.map(({ name }) => name);
		expect(names.toSorted()).toEqual(folders.filter((name) => name !== '_template').toSorted());
	});
	test.each(folders)('%s has the files of the template, and fixtures', (name) => {
		const files = filesOf(name);
		const wanted = filesOf('_template').filter((file) => !file.startsWith('fixtures/'));
		expect(files).toEqual(expect.arrayContaining(wanted));
		expect(files.filter((file) => /^fixtures\/.+\.json$/.test(file))).not.toEqual([]);
	});
	test.each(folders)('%s is held to the contract', (name) => {
		expect(filesBelow('tests/contract')).toContain(
			`tests/contract/platform.${name.replace('_', '')}.test.ts`
		);
	});
	test.each([template, ...platforms])('$name brings types of its own name, each once', (one) => {
		const types = one.eventTypes.map(({ type }) => type);
		expect(types.filter((type) => !type.startsWith(`${one.name}:`))).toEqual([]);
		expect(new Set(types).size).toBe(types.length);
	});
});

test('folder notes stay short', () => {
	const long = filesBelow('src')
		.filter((path) => path.endsWith('README.md'))
		.filter((path) => readFileSync(join(root, path), 'utf8').trimEnd().split('\n').length > 25);
	expect(long).toEqual([]);
});
