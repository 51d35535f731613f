import { describe, expect, it } from 'vitest';
import { Language } from '$lib/i18n/language.svelte.ts';
import { ApiError } from './api.ts';
import {
	askForAudit,
	auditAddress,
	auditExport,
	isAuditNarrowed,
	readAuditFilter,
	wholeLog
} from './audit-filter.ts';
import { tellEntry } from './audit-tell.ts';
import { Audit } from './audit.svelte.ts';
import type { AuditEntry, AuditPage } from './records-answers.ts';
import { AT, uuid } from './test-builders.ts';

const entry = (change: Partial<AuditEntry> = {}): AuditEntry => ({
	...{ id: 1, at: AT, actor_kind: 'member', actor_id: uuid(5), actor_name: 'Ann' },
	...{ action: 'key.create', target_kind: 'key', target_id: uuid(9) },
	detail: { kind: 'api', name: 'Bot' },
	...change
});
const read = (query: string) => readAuditFilter(new URLSearchParams(query));

describe('the address of the audit page', () => {
	it('says the same after being read and written', () => {
		const query = `search=x+y&actor=${uuid(5)}&action=key.create&from=2026-11-20T18%3A30&to=2026-11-21T00%3A00`;
		expect(auditAddress(read(query))).toBe(`/studio/audit?${query}`);
		expect(isAuditNarrowed(read(query))).toBe(true);
	});
	it.each(['actor=ann', 'action=DROP', 'action=a.b.c', 'from=soon', 'x=1'])(
		'with nonsense in it (%s) counts as nothing chosen',
		(query) => expect(read(query)).toEqual(wholeLog)
	);
	it('asks the server for instants, page by page, and for the whole as a file', () => {
		const asked = new URLSearchParams(askForAudit(read('from=2026-11-20T18:30'), '77'));
		expect(asked.get('from')).toBe(new Date('2026-11-20T18:30').toISOString());
		expect(asked.get('cursor')).toBe('77');
		expect(auditExport(read('action=key'), 'csv')).toBe('/v1/audit/export?action=key&format=csv');
	});
});

describe('an entry is told', () => {
	it.each([
		['en', {}, 'Ann made the key “Bot”, for a program'],
		['fr', {}, 'Ann a créé la clé « Bot », pour un programme'],
		[
			'en',
			{ action: 'member.role', detail: { from: 'moderator', to: 'owner' } },
			'Ann changed a member from moderator to owner'
		],
		['en', { actor_name: null, action: 'queue.pause' }, 'A former member paused the queue'],
		[
			'en',
			{ actor_kind: 'system', actor_name: null, action: 'key.end', detail: { kind: 'remote' } },
			'Cuelight itself ended a key that had been replaced, for a phone'
		],
		['en', { action: 'moon.land' }, 'Ann: moon.land'],
		['fr', { action: 'key.create', detail: {} }, 'Ann : key.create'],
		[
			'en',
			{ actor_kind: 'martian', actor_name: null, action: 'queue.skip' },
			'martian skipped what was on screen'
		]
	] as const)('in %s: %o', (locale, change, sentence) => {
		expect(tellEntry(new Language(locale), entry(change))).toBe(sentence);
	});
});

describe('the audit log', () => {
	const pages: AuditPage[] = [
		{ items: [entry({ id: 3 }), entry({ id: 2 })], next_cursor: '2' },
		{ items: [entry({ id: 1, actor_id: uuid(6), actor_name: 'Ben' })], next_cursor: null }
	];
	it('is read on to its end, and remembers whom it met', async () => {
		const asked: string[] = [];
		const audit = new Audit({
			records: {
				audit: (query) => {
					asked.push(query);
					const page = pages[asked.length - 1];
					return page ? Promise.resolve(page) : Promise.reject(new Error('none left'));
				}
			}
		});
		await audit.load(wholeLog);
		expect(audit.hasMore).toBe(true);
		await Promise.all([audit.more(), audit.more()]);
		expect(audit.items.map(({ id }) => id)).toEqual([3, 2, 1]);
		expect([...audit.actors.values()]).toEqual(['Ann', 'Ben']);
		await audit.more();
		expect(asked).toHaveLength(2);
	});

	it('drops the answer to a question that is not asked any more, and tells a failure', async () => {
		const answers: ((page: AuditPage) => void)[] = [];
		const audit = new Audit({
			records: { audit: () => new Promise((answer) => answers.push(answer)) }
		});
		const first = audit.load(wholeLog);
		const second = audit.load({ ...wholeLog, search: 'x' });
		answers[1]?.({ items: [entry({ id: 8 })], next_cursor: null });
		answers[0]?.({ items: [entry({ id: 7 })], next_cursor: null });
		await Promise.all([first, second]);
		expect(audit.items.map(({ id }) => id)).toEqual([8]);

		const broken = new Audit({
			records: { audit: () => Promise.reject(new ApiError('unavailable')) }
		});
		await broken.load(wholeLog);
		expect(broken).toMatchObject({ loading: false, error: { code: 'unavailable' } });
	});
});
