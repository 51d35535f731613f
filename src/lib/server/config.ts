/**
 * The environment, read once and judged at the door. Nothing else in the product reads
 * `process.env`; a wrong value stops the start with the variable's name and what it should be.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { AppError } from '../bus/error.ts';
import { readClients, type ClientConfig } from './client-config.ts';
import { logLevels } from './log.ts';
import { readSignIn, type SignInConfig } from './sign-in-config.ts';

/** An empty variable (`PORT=`) means the same as none. */
const unset = (value: unknown) => (value === '' ? undefined : value);
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(unset, schema.optional());

const Origin = z.url({ protocol: /^https?$/ }).transform((address) => new URL(address).origin);

/** A JSON object of numbers. */
const Numbers = z
	.string()
	.transform((text, context) => {
		try {
			return JSON.parse(text) as unknown;
		} catch {
			context.addIssue({ code: 'custom', message: 'must be a JSON object of numbers' });
			return z.NEVER;
		}
	})
	.pipe(z.record(z.string(), z.number()));

const Environment = z
	.object({
		HOST: optional(z.string()),
		PORT: optional(z.coerce.number().int().min(0).max(65535)),
		ORIGIN: optional(Origin),
		CUELIGHT_DATA: optional(z.string()),
		DATABASE_URL: optional(z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')),
		SUPABASE_URL: optional(Origin),
		SUPABASE_PUBLISHABLE_KEY: optional(z.string()),
		CUELIGHT_SIGNING_KEY: optional(z.string()),
		CUELIGHT_ENCRYPTION_KEY: optional(z.string()),
		CUELIGHT_LOG: optional(z.enum(logLevels)),
		/** How many months of events are kept; without it all are. */
		CUELIGHT_EVENT_MONTHS: optional(z.coerce.number().int().min(1).max(1200)),
		/** `{"max_connections":500}`: the names are those of the realtime server's limits. */
		CUELIGHT_REALTIME_LIMITS: optional(Numbers),
		/** `{"key":6000}`: requests a minute, by the names of `http/rates.ts`. */
		CUELIGHT_RATE_LIMITS: optional(Numbers)
	})
	.refine((env) => !env.SUPABASE_URL || env.DATABASE_URL, {
		path: ['DATABASE_URL'],
		message: "is needed too when SUPABASE_URL is set: the project's direct Postgres address"
	})
	.refine((env) => !env.SUPABASE_URL || env.SUPABASE_PUBLISHABLE_KEY, {
		path: ['SUPABASE_PUBLISHABLE_KEY'],
		message: 'is needed too when SUPABASE_URL is set: sb_publishable_…'
	});

export interface Config {
	host: string;
	port: number;
	/** The address people use, when it is not `http://host:port` (behind a proxy). */
	origin: string | null;
	/** Absolute. Holds the embedded database, the signing key and the setup token. */
	dataDir: string;
	databaseUrl: string | null;
	supabaseUrl: string | null;
	supabasePublishableKey: string | null;
	signingKey: string | null;
	encryptionKey: string | null;
	logLevel: (typeof logLevels)[number];
	/** null: events are kept for ever. */
	eventMonths: number | null;
	realtimeLimits: Record<string, number>;
	rateLimits: Record<string, number>;
	/** By platform; only those that are connected by consent. */
	clients: Record<string, ClientConfig>;
	signIn: SignInConfig;
}

/**
 * Reads the configuration from environment variables.
 * @throws AppError invalid_input that names each variable at fault.
 */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
	const read = Environment.safeParse(env);
	const { clients, issues: ofClients } = readClients(env);
	const { signIn, issues: ofSignIn } = readSignIn(env);
	if (!read.success || ofClients.length + ofSignIn.length > 0) {
		const ours = read.error?.issues ?? [];
		const issues = [
			...ours.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
			...ofClients,
			...ofSignIn
		];
		const list = issues.map((issue) => `${issue.path} ${issue.message}`).join('; ');
		throw new AppError('invalid_input', `The environment is not right: ${list}`, { issues });
	}
	const set = read.data;
	return {
		host: set.HOST ?? '127.0.0.1',
		port: set.PORT ?? 4517,
		origin: set.ORIGIN ?? null,
		dataDir: resolve(set.CUELIGHT_DATA ?? '.cuelight'),
		databaseUrl: set.DATABASE_URL ?? null,
		supabaseUrl: set.SUPABASE_URL ?? null,
		supabasePublishableKey: set.SUPABASE_PUBLISHABLE_KEY ?? null,
		signingKey: set.CUELIGHT_SIGNING_KEY ?? null,
		encryptionKey: set.CUELIGHT_ENCRYPTION_KEY ?? null,
		logLevel: set.CUELIGHT_LOG ?? 'info',
		eventMonths: set.CUELIGHT_EVENT_MONTHS ?? null,
		realtimeLimits: set.CUELIGHT_REALTIME_LIMITS ?? {},
		rateLimits: set.CUELIGHT_RATE_LIMITS ?? {},
		clients,
		signIn
	};
}
