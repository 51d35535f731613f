/** Chooses the language of a page: the person's own choice, else what the browser prefers, else English. */
export const locales = ['en', 'fr'] as const;
export type Locale = (typeof locales)[number];

export const LOCALE_COOKIE = 'cuelight_locale';

const isLocale = (tag: string): tag is Locale => locales.some((locale) => locale === tag);

/** `fr-CH, en;q=0.8` → `fr`. Unknown and malformed tags are passed over. */
export function chooseLocale(cookie: string | undefined, acceptLanguage: string | null): Locale {
	if (cookie !== undefined && isLocale(cookie)) return cookie;
	const wishes = (acceptLanguage ?? '')
		.slice(0, 500)
		.split(',')
		.map((wish) => {
			const [tag = '', ...parameters] = wish.trim().toLowerCase().split(';');
			const quality = parameters.map((p) => /^\s*q=([\d.]+)\s*$/.exec(p)?.[1]).find(Boolean);
			return { language: tag.split('-')[0] ?? '', quality: Number(quality ?? 1) };
		})
		.filter(({ quality }) => quality > 0)
		.sort((a, b) => b.quality - a.quality);
	return wishes.map(({ language }) => language).find(isLocale) ?? 'en';
}
