/** What a browser says about itself, in as few words as tell one's own devices apart. Pure. */

const browsers: readonly [RegExp, string][] = [
	[/OBS\//, 'OBS'],
	[/Edg(?:A|iOS)?\//, 'Edge'],
	[/OPR\//, 'Opera'],
	[/Firefox\/|FxiOS\//, 'Firefox'],
	[/Chrome\/|CriOS\//, 'Chrome'],
	[/Safari\//, 'Safari']
];
const systems: readonly [RegExp, string][] = [
	[/iPhone/, 'iPhone'],
	[/iPad/, 'iPad'],
	[/Android/, 'Android'],
	[/Windows/, 'Windows'],
	[/CrOS/, 'ChromeOS'],
	[/Mac OS X|Macintosh/, 'macOS'],
	[/Linux/, 'Linux']
];

const first = (names: readonly [RegExp, string][], text: string): string | null =>
	names.find(([pattern]) => pattern.test(text))?.[1] ?? null;

/** `Firefox · Windows`; null where nothing is recognised. */
export function deviceOf(userAgent: string | null): string | null {
	const parts = [first(browsers, userAgent ?? ''), first(systems, userAgent ?? '')].filter(
		(part) => part !== null
	);
	return parts.length === 0 ? null : parts.join(' · ');
}

/** Whether it is a phone or a tablet. */
export const isHandheld = (userAgent: string | null): boolean =>
	/iPhone|iPad|Android/.test(userAgent ?? '');
