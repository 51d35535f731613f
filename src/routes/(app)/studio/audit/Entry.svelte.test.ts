import { afterEach, describe, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import type { AuditEntry } from '$lib/studio/records-answers.ts';
import { wholeLog, type AuditFilter } from '$lib/studio/audit-filter.ts';
import { AT, uuid } from '$lib/studio/test-builders.ts';
import { given, testStage } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Entry from './Entry.svelte';
import Filters from './Filters.svelte';

const entry: AuditEntry = {
	...{ id: 7, at: AT, actor_kind: 'member', actor_id: uuid(5), actor_name: 'Ann' },
	...{ action: 'key.create', target_kind: 'key', target_id: uuid(9) },
	detail: { kind: 'api', name: '<i>Bot</i>' }
};
afterEach(cleanup);

describe('an entry of the audit log', () => {
	it('is a sentence; opened by keyboard, all of it, and the way to what else they did', async () => {
		const chosen: string[] = [];
		render(TestFrame, {
			part: given(Entry, { entry, onactor: (id: string) => chosen.push(id) }),
			studio: testStage().studio
		});
		await expect
			.element(page.getByText('Ann made the key “<i>Bot</i>”, for a program'))
			.toBeVisible();
		await userEvent.keyboard('{Tab}{Enter}');
		await expect.element(page.getByText('"target_kind": "key"')).toBeVisible();
		await page.getByRole('button', { name: 'Only what Ann did' }).click();
		expect(chosen).toEqual([uuid(5)]);
	});

	it('is told in French', async () => {
		render(TestFrame, {
			part: given(Entry, { entry, onactor: () => {} }),
			studio: testStage().studio,
			locale: 'fr'
		});
		await expect
			.element(page.getByText('Ann a créé la clé « <i>Bot</i> », pour un programme'))
			.toBeVisible();
	});
});

it('the log is narrowed by text, person, kind and time, and faultless for axe', async () => {
	const chosen: AuditFilter[] = [];
	render(TestFrame, {
		part: given(Filters, {
			filter: { ...wholeLog, action: 'key.create' },
			actors: new Map([[uuid(5), 'Ann']]),
			onchange: (next: AuditFilter) => chosen.push(next)
		}),
		studio: testStage().studio
	});
	expect(await faultsIn(document.body)).toEqual([]);
	await page.getByLabelText('Search text').fill('bot');
	await expect.poll(() => chosen.at(-1)?.search).toBe('bot');
	await page.getByLabelText('Who').selectOptions('Ann');
	expect(chosen.at(-1)?.actor).toBe(uuid(5));
	await page.getByLabelText('What').selectOptions('Members');
	expect(chosen.at(-1)?.action).toBe('member');
	await page.getByLabelText('From').fill('2026-11-20T18:30');
	expect(chosen.at(-1)?.from).toBe('2026-11-20T18:30');
	await page.getByRole('button', { name: 'Clear filters' }).click();
	expect(chosen.at(-1)).toEqual(wholeLog);
});
