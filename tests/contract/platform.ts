/**
 * The contract that every platform keeps, as a suite. What differs between platforms (how they
 * sign, what their bodies look like) is handed in; what must hold is the same for all: the door
 * stores each fact once, answers 4xx to everything that is not genuine, and never breaks.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Draft } from '../../src/lib/bus/index.ts';
import { ingest, MAX_DELIVERY_BYTES, type Answer } from '../../src/lib/platforms/ingest.ts';
import type { Delivery, Platform } from '../../src/lib/platforms/platform.ts';
import { anyText } from '../any-text.ts';
import { openIntake, type Intake } from './intake.ts';

export type Kind = 'event' | 'challenge' | 'revocation';
type Headers = Record<string, string>;
type Body = string | Uint8Array<ArrayBuffer>;

/** How the platform under test speaks. All values are strings as they stand in the request. */
export interface Dialect {
	readonly platform: Platform;
	readonly channelId: string;
	readonly secret: string;
	/** The folder of recorded bodies. */
	readonly fixtures: URL;
	/** How far from now a signed instant may be, either way. */
	readonly windowMs: number;
	readonly header: { readonly id: string; readonly time: string; readonly signature: string };
	/** All headers of a correctly signed request. */
	sign(
		body: Body,
		options: { secret: string; id: string; time: string; kind: Kind; about?: string }
	): Headers;
	time(at: Date): string;
	/** The body of an event that no other `n` tells of. */
	event(n: number): string;
	challenge(answer: string): string;
	revocation(): string;
	/** A genuine body of a kind that Cuelight does not read. */
	unknownKind(): string;
	/** Instants that are not of the documented form. */
	readonly badTimes: readonly string[];
	/** What the platform could never send as a signature, made from the right one. */
	forgeries(signature: string): Record<string, string>;
	/** Unsigned headers that contradict the genuine body (an event's unless another is given). */
	readonly contradictions: Record<string, { headers: Headers; body?: string }>;
	/** Genuine bodies that lack what an alert cannot do without. */
	readonly incomplete: Record<string, string>;
}

const bytes = (body: Body): Uint8Array<ArrayBuffer> =>
	typeof body === 'string' ? new TextEncoder().encode(body) : body;

/** The last letter of the last text in a JSON document replaced by a byte that UTF-8 never has. */
function spoiled(document: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
	const quote = document.lastIndexOf(0x22);
	return document.with(quote - 1, 0xff);
}

export function testPlatform(dialect: Dialect): void {
	const { platform, channelId, secret, header, windowMs } = dialect;
	const now = new Date('2026-11-20T10:00:00.000Z');
	const shifted = (ms: number) => new Date(now.getTime() + ms);
	let intake: Intake;
	let n = 0;

	beforeAll(async () => {
		intake = await openIntake({ platform, channelId, secret, now });
	});
	afterAll(() => intake?.close());

	/** A correctly signed request; what is given replaces what would be right. */
	function request(
		given: {
			body?: Body;
			secret?: string;
			id?: string;
			at?: Date;
			time?: string;
			kind?: Kind;
			about?: string;
			headers?: Headers;
			without?: readonly string[];
		} = {}
	): Delivery {
		n += 1;
		const { kind = 'event', id = `message-${n}`, time = dialect.time(given.at ?? now) } = given;
		const body = given.body ?? dialect.event(n);
		const signed = dialect.sign(body, {
			secret: given.secret ?? secret,
			id,
			time,
			kind,
			about: given.about
		});
		const headers = { ...signed, ...given.headers };
		for (const name of given.without ?? []) delete headers[name];
		return { headers, body: bytes(body), received_at: now };
	}

	const send = (delivery: Delivery, at = now): Promise<Answer> =>
		ingest(platform, delivery, intake.ports(at));
	/** What may be a part waits: then it is an event when its time is up. */
	const stored = { status: 200, outcome: expect.stringMatching(/^(recorded|gathered)$/) };
	const countEvents = async () => {
		await intake.settle(shifted(60_000));
		return intake.countEvents();
	};

	/** Sends and expects a refusal: 4xx, a problem document, no secret in it, nothing stored. */
	async function expectRefused(delivery: Delivery, at = now, statuses = [400, 403]): Promise<void> {
		const before = await countEvents();
		const answer = await send(delivery, at);
		expect(statuses).toContain(answer.status);
		expect(answer.headers['content-type']).toBe('application/problem+json');
		expect(JSON.parse(answer.body)).toMatchObject({
			type: 'about:blank',
			title: expect.any(String),
			status: answer.status,
			code: expect.any(String),
			detail: expect.any(String)
		});
		expect(answer.body).not.toContain(secret);
		expect(await countEvents()).toBe(before);
	}

	describe(`${platform.name}: its event types`, () => {
		test.each(platform.eventTypes)('$type has a sample that is a valid event', (definition) => {
			const { type, duration_ms, priority } = definition;
			expect(definition.data.parse(definition.sample)).toEqual(definition.sample);
			const draft = Draft.parse({
				event_type: type,
				class: definition.class,
				platform: platform.name,
				data: definition.sample,
				duration_ms,
				priority
			});
			expect(draft.event_type.split(':')[0]).toBe(platform.name);
			const isShown = draft.class === 'animated' || draft.class === 'alert';
			expect(duration_ms !== null).toBe(isShown);
			expect(definition.title).not.toBe('');
			expect(definition.description).toMatch(/\.$/);
		});
	});

	describe(`${platform.name}: its recorded messages`, () => {
		const names = readdirSync(dialect.fixtures).filter((name) => name.endsWith('.json'));
		const draftsOf = (name: string) => {
			const body = readFileSync(new URL(name, dialect.fixtures), 'utf8');
			const reading = platform.webhook?.read(request({ body }));
			return reading?.kind === 'events' ? reading.drafts : [];
		};
		test.each(names)('%s becomes an event of a documented shape', (name) => {
			const drafts = draftsOf(name).map((input) => Draft.parse(input));
			expect(drafts).not.toEqual([]);
			for (const draft of drafts) {
				expect(draft.platform).toBe(platform.name);
				const definition = platform.eventTypes.find(({ type }) => type === draft.event_type);
				expect(definition?.data.parse(draft.data)).toEqual(draft.data);
				expect(draft.raw).not.toBeNull();
				expect(draft.transport_key?.startsWith(`${platform.name}:`)).toBe(true);
				expect(draft.business_key?.startsWith(`${platform.name}:`) ?? true).toBe(true);
			}
		});
		test('cover every event type', () => {
			const seen = new Set(names.flatMap((name) => draftsOf(name).map((one) => one.event_type)));
			const all = platform.eventTypes.map(({ type }) => type);
			expect([...seen].toSorted()).toEqual(all.toSorted());
		});
	});

	describe(`${platform.name}: what is genuine`, () => {
		test('is stored and acknowledged', async () => {
			const before = await countEvents();
			const answer = await send(request());
			expect(answer).toMatchObject(stored);
			expect(await countEvents()).toBe(before + 1);
		});

		test('and comes again is acknowledged again, and stored once', async () => {
			const delivery = request();
			const first = await send(delivery);
			const second = await send(delivery, shifted(1_000));
			expect(first).toMatchObject(stored);
			expect(second.outcome).toBe('duplicate');
			expect([first.status, second.status]).toEqual([200, 200]);
			const idOf = ({ body }: Answer) => JSON.parse(body).events[0].event_id;
			expect(idOf(second)).toBe(idOf(first));
		});

		test('and comes fifty times at one instant is stored once', async () => {
			const before = await countEvents();
			const delivery = request();
			const answers = await Promise.all(Array.from({ length: 50 }, () => send(delivery)));
			expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
			const recorded = answers.filter(({ outcome }) => outcome !== 'duplicate');
			expect(recorded).toHaveLength(1);
			expect(await countEvents()).toBe(before + 1);
		});

		test('and tells the same fact under another message id is stored once', async () => {
			// As many as there are types: each of them has its own way to know the fact again.
			for (const _ of platform.eventTypes) {
				const before = await countEvents();
				const body = dialect.event((n += 1));
				expect(await send(request({ body }))).toMatchObject(stored);
				expect(await send(request({ body }))).toMatchObject({ status: 200 });
				expect(await countEvents()).toBe(before + 1);
			}
		});

		test('at the edges of the window is taken', async () => {
			for (const at of [shifted(-windowMs), shifted(-windowMs / 2), shifted(windowMs)])
				expect(await send(request({ at }))).toMatchObject(stored);
		});

		test('but of a kind that is not read is acknowledged and stored as nothing', async () => {
			const before = await countEvents();
			const answer = await send(request({ body: dialect.unknownKind() }));
			expect(answer).toMatchObject({ status: 200, outcome: 'ignored' });
			expect(await countEvents()).toBe(before);
		});

		test.each(Object.entries(dialect.incomplete))(
			'but lacks what is essential (%s) is acknowledged with a reason',
			async (_name, body) => {
				const before = await countEvents();
				const answer = await send(request({ body }));
				expect(answer).toMatchObject({ status: 200, outcome: 'ignored' });
				expect(JSON.parse(answer.body).reason).toMatch(/\w+/);
				expect(await countEvents()).toBe(before);
			}
		);

		test('and signed with the next secret while both are valid is taken', async () => {
			const next = 'the-next-secret-of-this-channel';
			const ports = intake.ports(now, [secret, next]);
			for (const one of [secret, next])
				expect(await ingest(platform, request({ secret: one }), ports)).toMatchObject(stored);
		});
	});

	describe(`${platform.name}: a challenge`, () => {
		const answers = ['pogchamp-kappa-360noscope-vohiyo', 'a b"\\\n\té😀<script>', '0', ' '];
		test.each(answers)('%j is echoed byte for byte as plain text', async (text) => {
			const delivery = request({ body: dialect.challenge(text), kind: 'challenge' });
			const answer = await send(delivery);
			expect(answer).toMatchObject({ status: 200, outcome: 'challenge', body: text });
			expect(answer.headers['content-type']).toMatch(/^text\/plain/);
			expect(answer.headers['x-content-type-options']).toBe('nosniff');
		});
		test('with a wrong signature is not echoed', async () => {
			const body = dialect.challenge('echo-me-not');
			const delivery = request({ body, kind: 'challenge', secret: 'not-the-secret' });
			await expectRefused(delivery, now, [403]);
			expect((await send(delivery)).body).not.toContain('echo-me-not');
		});
	});

	test(`${platform.name}: a revocation is written down, then acknowledged`, async () => {
		const delivery = request({ body: dialect.revocation(), kind: 'revocation' });
		expect(await send(delivery)).toMatchObject({ status: 200, outcome: 'revoked' });
		expect(intake.log.at(-1)).toMatchObject({
			platform: platform.name,
			connection_id: expect.any(String),
			outcome: 'revoked',
			detail: expect.stringMatching(/\w+/)
		});
	});

	describe(`${platform.name}: refused alike, for what cannot be known from outside`, () => {
		const right = () => request();
		const signatureOf = (delivery: Delivery) => delivery.headers[header.signature] ?? '';

		const forged: Record<string, () => Delivery> = {
			'no signature': () => request({ without: [header.signature] }),
			'a wrong secret': () => request({ secret: `${secret}x` }),
			"another account's secret": () => request({ secret: 'secret-of-another-account' }),
			'an empty secret': () => request({ secret: 'x', headers: { [header.signature]: '' } }),
			'the signature of another body': () =>
				request({ headers: { [header.signature]: signatureOf(right()) } }),
			'the signature for another id': () => request({ headers: { [header.id]: 'another-id' } }),
			'the signature for another instant': () =>
				request({ headers: { [header.time]: dialect.time(shifted(-1_000)) } }),
			'the body with a space added': () => {
				const good = right();
				return { ...good, body: bytes(`${new TextDecoder().decode(good.body)} `) };
			},
			'the body serialised again': () => {
				const good = right();
				const document = JSON.parse(new TextDecoder().decode(good.body));
				return { ...good, body: bytes(JSON.stringify(document, null, 1)) };
			},
			'the body with its keys in another order': () => {
				const good = right();
				const document = JSON.parse(new TextDecoder().decode(good.body));
				const turned = Object.fromEntries(Object.entries(document).toReversed());
				return { ...good, body: bytes(JSON.stringify(turned)) };
			},
			'the body with a letter escaped': () => {
				const good = right();
				const text = new TextDecoder().decode(good.body);
				const at = text.search(/(?<=")[a-z]/);
				const code = text.charCodeAt(at).toString(16).padStart(4, '0');
				return { ...good, body: bytes(`${text.slice(0, at)}\\u${code}${text.slice(at + 1)}`) };
			},
			'an instant just outside the window': () => request({ at: shifted(-windowMs - 1) }),
			'an instant just beyond now': () => request({ at: shifted(windowMs + 1) }),
			'an instant an hour ahead': () => request({ at: shifted(3_600_000) })
		};
		test.each(Object.keys(forged))('%s', async (name) => {
			const delivery = forged[name]?.() ?? right();
			await expectRefused(delivery, now, [403]);
			const unknown = await send({ ...request({ secret: 'whatever-it-is' }) });
			expect((await send(delivery)).body).toBe(unknown.body);
		});

		test.each(Object.keys(dialect.forgeries('sha256=00')))('a signature %s', async (name) => {
			const good = right();
			const signature = dialect.forgeries(signatureOf(good))[name] ?? '';
			await expectRefused({ ...good, headers: { ...good.headers, [header.signature]: signature } });
		});

		test('a captured request, sent again when its time is over', async () => {
			const delivery = request();
			expect(await send(delivery)).toMatchObject(stored);
			expect(await send(delivery, shifted(1_000))).toMatchObject({ outcome: 'duplicate' });
			await expectRefused(delivery, shifted(windowMs + 60_000), [403]);
		});

		test('a connection whose secret is empty', async () => {
			const ports = intake.ports(now, ['']);
			expect(await ingest(platform, request({ secret: '' }), ports)).toMatchObject({ status: 403 });
		});

		test('a channel that nobody connected', async () => {
			const answer = await ingest(platform, request(), {
				...intake.ports(now),
				connections: async () => []
			});
			expect(answer.status).toBe(403);
			expect(answer.body).toBe((await send(request({ secret: 'whatever-it-is' }))).body);
		});
	});

	describe(`${platform.name}: refused for its form, however well signed`, () => {
		const expectMalformed = (delivery: Delivery) => expectRefused(delivery, now, [400]);

		test.each(dialect.badTimes)('the instant %j', (time) => expectMalformed(request({ time })));

		const ids = ['', ' ', 'a\nb', 'a b', 'é', '<script>', 'a\u0000'];
		test.each(ids)('the message id %j', (id) => expectMalformed(request({ id })));
		test('a message id of 1 kB', () => expectMalformed(request({ id: 'x'.repeat(1_024) })));

		test.each([header.id, header.time])('no %s', (name) =>
			expectMalformed(request({ without: [name] }))
		);

		const bodies: Record<string, Body> = {
			'an empty body': '',
			null: 'null',
			'a list': '[]',
			'a number': '7',
			'an empty object': '{}',
			'text that is not JSON': 'hello',
			'half a document': '{"a":',
			'a form': 'data=%7B%22verification_token%22%3A%22x%22%7D',
			'a byte order mark': new Uint8Array([0xef, 0xbb, 0xbf, ...bytes(dialect.event(0))]),
			'an event with a byte that is not UTF-8': spoiled(bytes(dialect.event(0))),
			gzip: new Uint8Array([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3]),
			'a hundred thousand levels': '['.repeat(100_000)
		};
		test.each(Object.keys(bodies))('%s', (name) =>
			expectMalformed(request({ body: bodies[name] ?? '' }))
		);

		test('one byte over the limit', () =>
			expectRefused(request({ body: ' '.repeat(MAX_DELIVERY_BYTES + 1) }), now, [413]));

		test.each(Object.keys(dialect.contradictions))('%s', (name) =>
			expectMalformed(request(dialect.contradictions[name]))
		);
	});

	describe(`${platform.name}: whatever comes`, () => {
		/** Puts a value somewhere into a document: the path is a list of choices. */
		const planted = (document: unknown, path: number[], value: unknown): unknown => {
			if (document === null || typeof document !== 'object' || path.length === 0) return value;
			const keys = Object.keys(document);
			const key = keys[(path[0] ?? 0) % Math.max(1, keys.length)] ?? 'new';
			const child = Reflect.get(document, key);
			return { ...document, [key]: planted(child, path.slice(1), value) };
		};

		test('a signed body with any field changed is answered 2xx or 4xx', async () => {
			const names = readdirSync(dialect.fixtures).filter((name) => name.endsWith('.json'));
			await fc.assert(
				fc.asyncProperty(
					fc.constantFrom(...names),
					fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }),
					fc.oneof(fc.jsonValue(), anyText, fc.constant(undefined)),
					async (name, path, value) => {
						const text = readFileSync(new URL(name, dialect.fixtures), 'utf8');
						const body = JSON.stringify(planted(JSON.parse(text), path, value)) ?? '';
						const answer = await send(request({ body, about: text }));
						expect(answer.status).toBeLessThan(500);
						expect([2, 4]).toContain(Math.floor(answer.status / 100));
					}
				),
				{ numRuns: 300 }
			);
		});

		test('bytes and headers of any kind are answered 4xx and store nothing', async () => {
			const before = await countEvents();
			const names = Object.keys(request().headers);
			await fc.assert(
				fc.asyncProperty(
					fc.uint8Array({ maxLength: 400 }),
					fc.dictionary(fc.constantFrom(...names), anyText),
					async (body, headers) => {
						const answer = await send({ headers, body, received_at: now });
						expect(Math.floor(answer.status / 100)).toBe(4);
					}
				),
				{ numRuns: 300 }
			);
			expect(await countEvents()).toBe(before);
		});

		test('a header of a good request replaced by anything is answered, and never 5xx', async () => {
			const names = Object.keys(request().headers);
			await fc.assert(
				fc.asyncProperty(fc.constantFrom(...names), anyText, async (name, value) => {
					const answer = await send(request({ headers: { [name]: value } }));
					expect([2, 4]).toContain(Math.floor(answer.status / 100));
				}),
				{ numRuns: 200 }
			);
		});
	});
}
