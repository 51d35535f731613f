/** Turns entries of the audit log into sentences of the reader's language. */
import type { Language } from '$lib/i18n/language.svelte.ts';
import { fill } from '$lib/i18n/text.ts';
import type { AuditEntry } from './records-answers.ts';
import { tellPlatform } from './tell.ts';

/** Whoever did it: by name, else by what they were. */
export const tellActor = (
	language: Language,
	{ actor_name, actor_kind }: Pick<AuditEntry, 'actor_name' | 'actor_kind'>
): string =>
	(actor_kind === 'system' ? null : actor_name) ??
	language.lookUp(`audit.by.${actor_kind}`) ??
	actor_name ??
	actor_kind;

/** What a detail is called, where it is one of ours. */
const worded: Record<string, (language: Language, value: string) => string | null> = {
	role: (language, value) => language.lookUp(`audit.role.${value}`),
	from: (language, value) => language.lookUp(`audit.role.${value}`),
	to: (language, value) => language.lookUp(`audit.role.${value}`),
	kind: (language, value) => language.lookUp(`audit.kind.${value}`),
	platform: (_, value) => tellPlatform(value)
};

/**
 * One entry as a sentence. An action that the dictionary does not know is told by its own name,
 * and one whose details are not what its sentence needs too: nothing is ever left out.
 */
export function tellEntry(language: Language, entry: AuditEntry): string {
	const values: Record<string, string> = { actor: tellActor(language, entry) };
	for (const [name, value] of Object.entries(entry.detail))
		if (typeof value === 'string' && name !== 'actor')
			values[name] = worded[name]?.(language, value) ?? value;
	const sentence = language.lookUp(`audit.say.${entry.action}`);
	const isWhole = [...(sentence ?? '').matchAll(/\{(\w+)\}/g)].every(
		([, name]) => name !== undefined && name in values
	);
	return sentence !== null && isWhole
		? fill(sentence, values)
		: language.t('audit.say', { actor: values.actor ?? '', action: entry.action });
}

/** The kinds of actions that can be chosen; the server takes a kind for all actions of it. */
export const actionKinds = [
	...(['key', 'pairing', 'member', 'invitation', 'account', 'event', 'play', 'queue'] as const),
	...(['connection', 'client', 'subscriptions', 'event_type', 'event_template'] as const),
	...(['viewer', 'spotify', 'task', 'audit'] as const),
	...(['session', 'sign_in', 'password', 'totp', 'passkey'] as const)
];
