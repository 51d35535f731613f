import { afterEach, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { emptyFilter, type HistoryFilter } from '$lib/studio/history-filter.ts';
import { given, testStage } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Filters from './Filters.svelte';

afterEach(cleanup);
async function open(filter: HistoryFilter) {
	const { studio } = testStage();
	await studio.load();
	const chosen: HistoryFilter[] = [];
	render(TestFrame, {
		part: given(Filters, { filter, onchange: (next: HistoryFilter) => chosen.push(next) }),
		studio
	});
	return chosen;
}

it('typing is one question, asked when the typist pauses', async () => {
	const chosen = await open(emptyFilter);
	await page.getByLabelText('Search text').fill('ann');
	await expect.poll(() => chosen).toEqual([{ ...emptyFilter, search: 'ann' }]);
});

it('kinds, platform and times are chosen, and faultless for axe when all is open', async () => {
	const chosen = await open({ ...emptyFilter, types: ['gone:type'] });
	await page.getByRole('button', { name: '1 kind' }).click();
	await page.getByRole('checkbox', { name: /Raid/ }).click();
	expect(chosen.at(-1)?.types).toEqual(['gone:type', 'stage:raid']);
	expect(await faultsIn(document.body)).toEqual([]);
	await page.getByLabelText('Platform').selectOptions('stage');
	expect(chosen.at(-1)?.platform).toBe('stage');
	await page.getByLabelText('Origin').selectOptions('manual');
	expect(chosen.at(-1)?.origin).toBe('manual');
	await page.getByLabelText('State').selectOptions('cancelled');
	expect(chosen.at(-1)?.status).toBe('cancelled');
	await page.getByLabelText('From').fill('2026-11-20T18:30');
	expect(chosen.at(-1)?.from).toBe('2026-11-20T18:30');
	await page.getByRole('button', { name: 'Clear filters' }).click();
	expect(chosen.at(-1)).toEqual(emptyFilter);
});
