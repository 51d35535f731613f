/** Turns events and commands into sentences; the one place where their words are put together. */
import type { Language } from '$lib/i18n/language.svelte.ts';
import type { StreamingEvent } from '$lib/bus';
import type { EventTypeEntry } from './answers.ts';
import { actionOf, amountIn, nameIn } from './event-list.ts';

/** Who it was, or “Someone” where the viewer is not named. */
export const tellWho = (language: Language, event: Pick<StreamingEvent, 'data'>): string =>
	nameIn(event) ?? language.t('event.someone');

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
