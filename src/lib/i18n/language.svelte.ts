/**
 * The language of the page, handed down by context (a module-wide one would be shared by all
 * visitors while the server renders). The choice is a cookie, so that the next page is rendered
 * in it from its first byte.
 */
import { createContext } from 'svelte';
import {
	counted,
	dictionaries,
	isTextKey,
	translator,
	type CountKey,
	type Locale,
	type Translate
} from './text.ts';

export const LOCALE_COOKIE = 'cuelight_locale';

const units = [
	['day', 86_400],
	['hour', 3600],
	['minute', 60]
] as const;

export class Language {
	#locale: Locale = $state('en');
	#translate: Translate = $derived(translator(this.#locale));

	constructor(locale: Locale) {
		this.#locale = locale;
	}

	get locale(): Locale {
		return this.#locale;
	}

	/** The text of a key. */
	t: Translate = (key, ...values) => this.#translate(key, ...values);

	/** The text of a name made at run time, or null where the dictionary has none. */
	lookUp = (name: string): string | null =>
		isTextKey(name) ? dictionaries[this.#locale][name] : null;

	/** The text for a number of things. */
	count(stem: CountKey, count: number, values?: Record<string, string | number>): string {
		return counted(this.#locale, stem, count, values);
	}

	/** Changes the language of this page now and of all later ones. */
	choose(locale: Locale, page: Document): void {
		this.#locale = locale;
		page.documentElement.lang = locale;
		page.cookie = `${LOCALE_COOKIE}=${locale}; path=/; max-age=31536000; samesite=lax`;
	}

	/** `14:05:09`, in the reader's own time zone. */
	time(iso: string): string {
		return new Intl.DateTimeFormat(this.#locale, { timeStyle: 'medium' }).format(Date.parse(iso));
	}

	/** Day and time, long enough to be told apart a year later. */
	moment(iso: string): string {
		return new Intl.DateTimeFormat(this.#locale, {
			dateStyle: 'medium',
			timeStyle: 'medium'
		}).format(Date.parse(iso));
	}

	/** `3 minutes ago`, `in 3 minutes`; `now` in milliseconds since 1970. */
	ago(iso: string, now: number): string {
		const seconds = Math.round((Date.parse(iso) - now) / 1000);
		const format = new Intl.RelativeTimeFormat(this.#locale, { numeric: 'auto' });
		const age = Math.abs(seconds);
		if (age < 60) return format.format(seconds, 'second');
		if (age < 3600) return format.format(Math.round(seconds / 60), 'minute');
		if (age < 86_400) return format.format(Math.round(seconds / 3600), 'hour');
		return format.format(Math.round(seconds / 86_400), 'day');
	}

	/** `7.2 s` of a number of milliseconds. */
	seconds(ms: number): string {
		return new Intl.NumberFormat(this.#locale, {
			style: 'unit',
			unit: 'second',
			unitDisplay: 'narrow',
			minimumFractionDigits: 1,
			maximumFractionDigits: 1
		}).format(Math.max(0, ms) / 1000);
	}

	/** `90 s`, `15 min`, `2 hr`: a number of seconds in the largest unit that leaves it whole. */
	span(seconds: number): string {
		const [unit, size] = units.find(([, size]) => seconds % size === 0) ?? ['second', 1];
		return new Intl.NumberFormat(this.#locale, {
			style: 'unit',
			unit,
			unitDisplay: 'short',
			maximumFractionDigits: 1
		}).format(seconds / size);
	}

	/** `20 Nov 2026`, in the reader's own time zone. */
	day(iso: string): string {
		return new Intl.DateTimeFormat(this.#locale, { dateStyle: 'medium' }).format(Date.parse(iso));
	}

	percent(share: number): string {
		return new Intl.NumberFormat(this.#locale, {
			style: 'percent',
			maximumFractionDigits: 2
		}).format(share);
	}

	/** How long something took: `340 ms`, `7.2 s`. */
	duration(ms: number): string {
		if (ms >= 1_000) return this.seconds(ms);
		return new Intl.NumberFormat(this.#locale, {
			style: 'unit',
			unit: 'millisecond',
			unitDisplay: 'short'
		}).format(Math.round(ms));
	}

	number(value: number): string {
		return new Intl.NumberFormat(this.#locale).format(value);
	}
}

export const [useLanguage, provideLanguage] = createContext<Language>();
