/**
 * The overlay document: what the designer makes and the stage shows. Plain JSON, nothing in it can
 * run, and whatever comes from elsewhere goes through `load`, which answers with a document of
 * today's version or with what is wrong and where. It never throws and never half-accepts.
 */
import { z } from 'zod';
import { Host, LocalAddress } from './address.ts';
import { Element, GroupElement, SoundCue, walk } from './elements/index.ts';
import { ElementId } from './elements/base.ts';
import { migrate, migrations, version } from './migrations.ts';
import { Timeline } from './timeline.ts';

/** Pages and studios refuse larger ones before looking inside. */
export const MAX_LENGTH = 2_000_000;
/** Two for each nested group, and a few for the rest. */
const MAX_DEPTH = 64;
const MAX_ELEMENTS = 2000;

const Name = z.string().max(100);

/** `*` stands for any run of letters: `*:follower`, `custom:*`. */
export const EventPattern = z
	.string()
	.max(100)
	.regex(/^[a-z0-9_*]+:[a-z0-9_*]+$/, 'must look like platform:action, with * for anything');

export const Variation = z
	.strictObject({
		id: ElementId,
		name: Name,
		/** Which events it is for; null: for all that no other variation wants. */
		match: z.strictObject({ event_types: z.array(EventPattern).min(1).max(50) }).nullable(),
		/**
		 * How long it is meant to last: what previews use, and what a play takes whose event says
		 * nothing else. The play's own duration decides on the stage.
		 */
		duration_ms: z.int().min(500).max(120_000).default(6000),
		sound: SoundCue.nullable().default(null),
		root: GroupElement,
		timeline: Timeline
	})
	.superRefine(({ root, timeline }, context) => {
		const ids = new Set<string>();
		for (const { id } of walk(root)) {
			if (ids.has(id))
				context.addIssue({ code: 'custom', path: ['root'], message: `holds two elements "${id}"` });
			ids.add(id);
		}
		for (const part of ['entrance', 'hold', 'exit'] as const)
			timeline[part].tracks.forEach(({ element }, i) => {
				if (!ids.has(element))
					context.addIssue({
						code: 'custom',
						path: ['timeline', part, 'tracks', i, 'element'],
						message: `moves "${element}", which is not among the elements`
					});
			});
	});
export type Variation = z.infer<typeof Variation>;

const layer = { id: ElementId, name: Name, hidden: z.boolean().default(false) };
const Coordinate = z.number().min(-20_000).max(20_000);

/** Always on, behind or before the alerts. */
export const Scene = z.strictObject({
	...layer,
	kind: z.literal('scene'),
	elements: z.array(Element).max(200)
});
export type Scene = z.infer<typeof Scene>;

/** The place where the plays of one lane are shown. Its variations are drawn from its corner. */
export const AlertBox = z.strictObject({
	...layer,
	kind: z.literal('alert_box'),
	lane: z.string().regex(/^[a-z0-9_-]{1,50}$/, 'must be a short name such as main'),
	x: Coordinate,
	y: Coordinate,
	width: z.number().min(1).max(20_000),
	height: z.number().min(1).max(20_000),
	variations: z
		.array(Variation)
		.min(1)
		.max(200)
		.refine(
			(all) => all.filter((variation) => variation.match === null).length === 1,
			'must hold one default variation (match: null)'
		)
});
export type AlertBox = z.infer<typeof AlertBox>;

export const Layer = z.discriminatedUnion('kind', [Scene, AlertBox]);
export type Layer = z.infer<typeof Layer>;

export const Font = z.strictObject({
	family: z.string().regex(/^[\p{L}\p{N} _-]{1,100}$/u, 'must be a plain name'),
	address: LocalAddress,
	/** One weight (`400`), or the range of a variable font (`200 800`). */
	weight: z
		.string()
		.regex(/^[1-9]00( [1-9]00)?$/, 'must be such as 400 or 200 800')
		.default('400'),
	italic: z.boolean().default(false),
	/** Which letters the file has, as CSS writes it: `U+0000-00FF, U+20AC`. */
	letters: z
		.string()
		.regex(/^[U+0-9A-F?,\s-]{1,1000}$/i, 'must be a list of code points')
		.nullable()
		.default(null)
});
export type Font = z.infer<typeof Font>;

const unique = (items: readonly { id: string }[]): boolean =>
	new Set(items.map((item) => item.id)).size === items.length;

export const OverlayDocument = z.strictObject({
	version: z.literal(version),
	size: z.strictObject({
		width: z.int().min(16).max(7680),
		height: z.int().min(16).max(7680)
	}),
	fonts: z.array(Font).max(50).default([]),
	/** Https hosts that pictures may come from, viewers' pictures above all. */
	picture_hosts: z.array(Host).max(50).default([]),
	layers: z
		.array(Layer)
		.max(100)
		.refine(unique, 'must not use one id twice')
		.refine(
			(layers) => layers.every((each) => each.kind === 'scene' || unique(each.variations)),
			'must not use one id twice among the variations of a box'
		)
});
export type OverlayDocument = z.infer<typeof OverlayDocument>;

export interface Issue {
	/** Where: `layers.0.variations.2.root.children.1.fill`; empty for the document itself. */
	path: string;
	message: string;
}
export type Loaded =
	{ document: OverlayDocument; issues?: undefined } | { document?: undefined; issues: Issue[] };

const refuse = (message: string, path = ''): Loaded => ({ issues: [{ path, message }] });

/**
 * Reads a document of any version: JSON text or the value parsed from it. Never throws.
 */
export function load(json: unknown): Loaded {
	let value = json;
	if (typeof value === 'string') {
		if (value.length > MAX_LENGTH) return refuse(`is longer than ${MAX_LENGTH} characters`);
		try {
			value = JSON.parse(value);
		} catch {
			return refuse('is not JSON');
		}
	}
	const size = measure(value);
	if (size.depth > MAX_DEPTH) return refuse(`nests deeper than ${MAX_DEPTH} levels`);
	if (size.elements > MAX_ELEMENTS) return refuse(`has more than ${MAX_ELEMENTS} elements`);

	const migrated = migrate(value, migrations, version);
	if (migrated.issue !== undefined) return refuse(migrated.issue, 'version');
	const parsed = OverlayDocument.safeParse(migrated.document);
	if (parsed.success) return { document: parsed.data };
	return {
		issues: parsed.error.issues.slice(0, 100).map((issue) => ({
			path: issue.path.join('.'),
			message: issue.message
		}))
	};
}

/** Looks over foreign JSON without recursion, so that no nesting can overflow the stack. */
function measure(root: unknown): { depth: number; elements: number } {
	let depth = 0;
	let elements = 0;
	const open: [unknown, number][] = [[root, 0]];
	for (let next = open.pop(); next !== undefined; next = open.pop()) {
		const [value, level] = next;
		if (typeof value !== 'object' || value === null) continue;
		depth = Math.max(depth, level + 1);
		if (depth > MAX_DEPTH || elements > MAX_ELEMENTS) break;
		if ('kind' in value) elements++;
		for (const child of Object.values(value)) open.push([child, level + 1]);
	}
	return { depth, elements };
}
