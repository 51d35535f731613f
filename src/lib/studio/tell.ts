/** Turns events and commands into sentences; the one place where their words are put together. */
import type { Language } from '$lib/i18n/language.svelte.ts';
import type { StreamingEvent } from '$lib/bus';
import type { EventTypeEntry } from './answers.ts';
import type { Task } from './tasks-answers.ts';
import { actionOf, amountIn, nameIn } from './event-list.ts';

/** Who it was: “Someone” where the viewer is not named, the channel where nobody did it. */
export const tellWho = (language: Language, event: Pick<StreamingEvent, 'data'>): string =>
	nameIn(event) ?? language.t('user' in event.data ? 'event.someone' : 'event.channel');

/** The number that matters, such as `100 bits`; empty where there is none. */
export function tellAmount(language: Language, event: Pick<StreamingEvent, 'data'>): string {
	const amount = amountIn(event);
	return amount === null ? '' : language.count(`amount.${amount.of}`, amount.value);
}

/** What kind of thing happened: in the reader's language where it is a common one, else as the catalog has it. */
export const tellKind = (
	language: Language,
	catalog: readonly EventTypeEntry[],
	eventType: string
): string =>
	language.lookUp(`action.${actionOf(eventType)}`) ??
	catalog.find(({ type }) => type === eventType)?.title ??
	eventType;

/** The kind, and the number that matters: `Raid · 42 viewers`. */
export const tellWhat = (
	language: Language,
	catalog: readonly EventTypeEntry[],
	event: Pick<StreamingEvent, 'data' | 'event_type'>
): string =>
	[tellKind(language, catalog, event.event_type), tellAmount(language, event)]
		.filter((part) => part !== '')
		.join(' · ');

/** A platform's name for people, where its own spelling is not at hand. */
export const tellPlatform = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

const namesPlatform = /^(watch|categories)_(\w+)$/;

/** What a task does, in the reader's language where it is a known one, else as the server has it. */
export function tellTask(
	language: Language,
	{ name, title }: Pick<Task, 'name' | 'title'>
): string {
	const known = language.lookUp(`tasks.title.${name}`);
	if (known !== null) return known;
	const [, verb, platform] = namesPlatform.exec(name) ?? [];
	if (platform === undefined) return title;
	const words = { platform: tellPlatform(platform) };
	return verb === 'watch'
		? language.t('tasks.title.watch', words)
		: language.t('tasks.title.categories', words);
}
