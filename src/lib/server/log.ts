/**
 * One line for each thing worth knowing, on stderr: readable on a terminal, JSON when piped.
 * A line never carries a secret: keys and tokens are blotted out wherever they appear.
 */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Record<string, unknown>;

export interface Log {
	debug(message: string, fields?: LogFields): void;
	info(message: string, fields?: LogFields): void;
	warn(message: string, fields?: LogFields): void;
	error(message: string, fields?: LogFields): void;
	/** A log whose lines all carry these fields (`{ part: 'backend' }`). */
	child(fields: LogFields): Log;
}

export interface LogOptions {
	level?: LogLevel;
	/** Takes one finished line, without its line end. */
	write?: (line: string) => void;
	json?: boolean;
	now?: () => Date;
}

/** Our keys (all kinds), Supabase's secret keys, JWTs, and passwords within URLs. */
const secrets: readonly [RegExp, string][] = [
	[/\bck_(overlay|api|remote|ingest)_[\w-]+/g, 'ck_$1_…'],
	[/\bsb_secret_[\w-]+/g, 'sb_secret_…'],
	[/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+/g, 'eyJ…'],
	[/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]+@/gi, '$1:…@']
];

const blot = (text: string): string =>
	secrets.reduce((blotted, [pattern, blank]) => blotted.replace(pattern, blank), text);

/** Errors do not survive JSON.stringify; keep what helps. */
function plain(value: unknown): unknown {
	if (!(value instanceof Error)) return typeof value === 'bigint' ? String(value) : value;
	const code = 'code' in value ? { code: value.code } : {};
	const cause = value.cause === undefined ? {} : { cause: plain(value.cause) };
	return { message: value.message, ...code, ...cause, stack: value.stack };
}

/** Makes a log; the fields of `base` go into each of its lines. */
export function createLog(options: LogOptions = {}, base: LogFields = {}): Log {
	const least = logLevels.indexOf(options.level ?? 'info');
	const write = options.write ?? ((line: string) => process.stderr.write(line + '\n'));
	const json = options.json ?? !process.stderr.isTTY;
	const now = options.now ?? (() => new Date());

	function line(level: LogLevel, message: string, fields: LogFields = {}): void {
		if (logLevels.indexOf(level) < least) return;
		const at = now().toISOString();
		const rest = Object.entries({ ...base, ...fields }).map(([key, value]) => [key, plain(value)]);
		try {
			write(blot(json ? asJson(at, level, message, rest) : asText(at, level, message, rest)));
		} catch {
			// A circular field or a closed pipe must never stop the work that wanted to report.
		}
	}

	return {
		debug: (message, fields) => line('debug', message, fields),
		info: (message, fields) => line('info', message, fields),
		warn: (message, fields) => line('warn', message, fields),
		error: (message, fields) => line('error', message, fields),
		child: (fields) => createLog(options, { ...base, ...fields })
	};
}

function asJson(at: string, level: string, message: string, fields: unknown[][]): string {
	return JSON.stringify({ at, level, message, ...Object.fromEntries(fields) });
}

function asText(at: string, level: string, message: string, fields: unknown[][]): string {
	const tail = fields.map(([key, value]) => {
		if (typeof value !== 'object' || value === null) return `${key}=${value}`;
		return 'stack' in value ? `\n${value.stack}` : `${key}=${JSON.stringify(value)}`;
	});
	return [at.slice(11, 19), level.padEnd(5), message, ...tail].join(' ');
}
