/** The services of one process over a real database, asked through both faces by anybody. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ANONYMOUS, type Principal } from '../../src/lib/server/actions/principal.ts';
import { createAccount } from '../../src/lib/server/backend/statements/accounts.ts';
import { createKey } from '../../src/lib/server/backend/statements/keys.ts';
import type { Permission } from '../../src/lib/bus/permission.ts';
import { starterDocument } from '../../src/lib/overlay/starter.ts';
import { answerGraphql } from '../../src/lib/server/graphql/index.ts';
import { answer } from '../../src/lib/server/http.ts';
import { makeKey } from '../../src/lib/server/secrets.ts';
import { startServices, stopServices, type Services } from '../../src/lib/server/services.ts';
import { testDatabase, type TestDatabase } from '../harness/database.ts';

const ORIGIN = 'http://127.0.0.1:4517';

export const GraphqlAnswer = z.object({
	data: z.record(z.string(), z.json()).nullish(),
	errors: z
		.array(
			z.object({
				message: z.string(),
				path: z.array(z.union([z.string(), z.number()])).optional(),
				extensions: z.object({
					code: z.string(),
					status: z.int(),
					retryAfter: z.int().optional(),
					issues: z.array(z.object({ path: z.string(), message: z.string() })).optional()
				})
			})
		)
		.optional()
});

export type Who = 'owner' | 'moderator' | 'stranger' | 'reader' | 'anonymous';

export interface Faces {
	services: Services;
	db: TestDatabase;
	account_id: string;
	overlay_id: string;
	/** `reader` is a key with `events:read` alone; `stranger` owns another account. */
	who: Readonly<Record<Who, Principal>>;
	rest(
		principal: Principal,
		method: string,
		path: string,
		body?: unknown,
		headers?: Record<string, string>
	): Promise<Response>;
	graphql(
		principal: Principal,
		query: string,
		variables?: Record<string, unknown>,
		headers?: Record<string, string>
	): Promise<z.infer<typeof GraphqlAnswer> & { status: number; headers: Headers }>;
	/** The raw answer, for requests of any other form. */
	send(principal: Principal, init: RequestInit & { search?: string }): Promise<Response>;
	close(): Promise<void>;
}

/** Starts the services on a fresh database, with an account and everybody who may ask. */
export async function startFaces(env: Record<string, string> = {}): Promise<Faces> {
	const dataDir = await mkdtemp(join(tmpdir(), 'cuelight-faces-'));
	const db = await testDatabase();
	Object.assign(process.env, { DATABASE_URL: db.url, CUELIGHT_DATA: dataDir, ...env });
	const services = await startServices();
	const document = z.json().parse(starterDocument());
	const [owner, moderator, other] = [randomUUID(), randomUUID(), randomUUID()];
	const mine = await createAccount(db.sql, 'Mine', owner, document);
	const theirs = await createAccount(db.sql, 'Theirs', other, document);
	await db.sql`insert into app.members (account_id, user_id, role)
		values (${mine.account_id}, ${moderator}, 'moderator')`;
	const member = (user_id: string, account_id: string): Principal => ({
		kind: 'member',
		user_id,
		account_id,
		name: 'Somebody',
		email: 'a@example.com'
	});
	const keyWith = async (permissions: Permission[]): Promise<Principal> => {
		const { hash, hint } = makeKey('api');
		const made = await db.database.as(
			{ sub: owner, role: 'authenticated', aud: 'authenticated', kind: 'member' },
			(sql) =>
				createKey(sql, mine.account_id, {
					...{ kind: 'api', name: 'A program', overlay_id: null, token_hash: hash, hint },
					permissions
				})
		);
		return { kind: 'api', key_id: made.id, account_id: mine.account_id };
	};
	const common = (principal: Principal) => ({
		...{ principal, services, origin: ORIGIN, locale: 'en' as const },
		...{ address: '127.0.0.1', requestId: 'a-request' }
	});
	const send: Faces['send'] = (principal, { search = '', ...init }) =>
		answerGraphql({
			...common(principal),
			request: new Request(`${ORIGIN}/graphql${search}`, init),
			search
		});
	return {
		services,
		db,
		...mine,
		who: {
			owner: member(owner, mine.account_id),
			moderator: member(moderator, mine.account_id),
			stranger: member(other, theirs.account_id),
			reader: await keyWith(['events:read']),
			anonymous: ANONYMOUS
		},
		send,
		rest(principal, method, path, body, headers = {}) {
			const url = new URL(`/v1${path}`, ORIGIN);
			return answer({
				...common(principal),
				request: new Request(url, {
					method,
					headers: { 'content-type': 'application/json', ...headers },
					...(body === undefined ? {} : { body: JSON.stringify(body) })
				}),
				path: url.pathname.replace('/v1', ''),
				search: url.search
			});
		},
		async graphql(principal, query, variables = {}, headers = {}) {
			const response = await send(principal, {
				method: 'POST',
				headers: { 'content-type': 'application/json', ...headers },
				body: JSON.stringify({ query, variables })
			});
			const text = await response.text();
			return {
				...GraphqlAnswer.parse(JSON.parse(text)),
				status: response.status,
				headers: response.headers
			};
		},
		async close() {
			await stopServices();
			await db.close();
			await rm(dataDir, { recursive: true, force: true });
		}
	};
}
