/**
 * One happening that a platform tells in several messages: a bomb of gifts and its recipients, a
 * subscription and the message that goes with it. A message that may be a part of something is
 * stored as such before it is acknowledged, and waits; a rule of its platform decides what has
 * become whole.
 *
 * A rule is a pure function of what waits, what was released lately and the time. It is asked after
 * each arrival and when something is due, by whichever process comes first; what it decides is
 * stored in one transaction and only if nothing arrived meanwhile, so the same happening is never
 * released twice. A part that is not released or absorbed stays and is judged again.
 */
import type { Draft, DraftInput, JsonObject } from '../bus/index.ts';

/** Why a draft may not be the whole of it. */
export interface PartOf {
	/** The platform's rule. */
	readonly rule: string;
	readonly channel_id: string;
	/** What the rule must know that the event's data does not tell. */
	readonly about: JsonObject;
}

/** A draft as an adapter makes it: the event that it is, should nothing else belong to it. */
export type Arrival = DraftInput & { readonly part?: PartOf };

/** What is stored while it waits. */
export interface Part {
	/** Parts of one name are judged together: platform, rule and channel. */
	readonly name: string;
	readonly about: JsonObject;
	readonly draft: Draft;
}

export interface WaitingPart extends Omit<Part, 'name'> {
	/** Grows with each arrival. */
	readonly id: number;
	readonly arrived_at: Date;
}

/** An event that is stored, or the one that the draft at this place becomes. */
export type Whole =
	{ readonly event_id: string; readonly seq: number } | { readonly draft: number };

/** What was released lately, so that what comes late is known again. */
export interface Remembered {
	readonly event: Whole;
	/** Forgotten at this time, in milliseconds since 1970. */
	readonly until: number;
	/** As the rule wrote it. */
	readonly what: JsonObject;
}

export interface Gathering {
	/** In order of arrival. */
	readonly waiting: readonly WaitingPart[];
	readonly memory: readonly Remembered[];
}

export interface Decision {
	readonly drafts: readonly Draft[];
	/** Parts that wait no longer, and the event that their keys name from now on. */
	readonly done: readonly { readonly part: number; readonly event: Whole }[];
	/** All of it, not only what is new. */
	readonly memory: readonly Remembered[];
	/** When to judge again though nothing arrived, in milliseconds since 1970; null: never. */
	readonly due_at: number | null;
}

export interface GatheringRule {
	readonly name: string;
	/** Never throws; every part is done at the latest when its time is up. */
	decide(gathering: Gathering, now: Date): Decision;
}

/**
 * When a rule is to judge again: at the first of these times, or when all that it remembers is to
 * be forgotten.
 */
export function judgeAgainAt(
	dues: readonly number[],
	memory: readonly Pick<Remembered, 'until'>[]
): number | null {
	if (dues.length > 0) return Math.min(...dues);
	return memory.length === 0 ? null : Math.max(...memory.map(({ until }) => until));
}

export const gatheringName = (platform: string, { rule, channel_id }: PartOf): string =>
	`${platform}:${rule}:${channel_id}`;

/** The rule that judges the parts of this name; undefined when no platform has it (any more). */
export function ruleOf(
	platforms: readonly { readonly name: string; readonly gatherings?: readonly GatheringRule[] }[],
	name: string
): GatheringRule | undefined {
	const [platformName, ruleName] = name.split(':');
	return platforms
		.find((platform) => platform.name === platformName)
		?.gatherings?.find((rule) => rule.name === ruleName);
}
