/**
 * The repository's own source files, read once: their text, their code without comments, and what
 * they import, resolved to paths from the root (`src/lib/bus/event.ts`) or left as package names.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export interface Import {
	/** As written. */
	readonly specifier: string;
	/** From the root for files of ours, otherwise the package's name. */
	readonly target: string;
	readonly isPackage: boolean;
}

export interface Source {
	/** From the root, with `/`. */
	readonly path: string;
	/** Without comments; in components, script and markup. */
	readonly code: string;
	readonly imports: readonly Import[];
}

/** All files below a folder, as paths from the root; an absent folder has none. */
export function filesBelow(folder: string): string[] {
	const start = join(root, folder);
	if (!existsSync(start)) return [];
	return readdirSync(start, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
		.map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

export const isTest = (path: string): boolean => /\.test\.ts$/.test(path);

/** Reads one file's text as a source. */
export function parse(path: string, text: string): Source {
	const isComponent = path.endsWith('.svelte');
	const scripts = isComponent
		? [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]).join('\n')
		: text;
	const imports = ts
		.preProcessFile(scripts, true, true)
		.importedFiles.map(({ fileName }) => resolve(path, fileName));
	const code = isComponent
		? withoutComments(scripts) +
			text.replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, '')
		: withoutComments(text);
	return { path, code, imports };
}

function resolve(from: string, specifier: string): Import {
	if (specifier.startsWith('$lib'))
		return { specifier, target: `src/lib${specifier.slice(4)}`, isPackage: false };
	if (specifier.startsWith('.'))
		return { specifier, target: posix.join(posix.dirname(from), specifier), isPackage: false };
	const [scope = '', name = ''] = specifier.split('/');
	const target = scope.startsWith('@') ? `${scope}/${name}` : scope;
	return { specifier, target, isPackage: true };
}

function withoutComments(text: string): string {
	const file = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true);
	const ranges: ts.CommentRange[] = [];
	const visit = (node: ts.Node): void => {
		ranges.push(...(ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []));
		ranges.push(...(ts.getTrailingCommentRanges(text, node.getEnd()) ?? []));
		node.getChildren(file).forEach(visit);
	};
	visit(file);
	const characters = [...text.split('')];
	for (const { pos, end } of ranges)
		for (let at = pos; at < end; at += 1) if (characters[at] !== '\n') characters[at] = ' ';
	return characters.join('');
}

/** The TypeScript, JavaScript and Svelte files below a folder. */
export const sourcesBelow = (folder: string): Source[] =>
	filesBelow(folder)
		.filter((path) => /\.(ts|js|svelte)$/.test(path) && !path.endsWith('.d.ts'))
		.map((path) => parse(path, readFileSync(join(root, path), 'utf8')));
