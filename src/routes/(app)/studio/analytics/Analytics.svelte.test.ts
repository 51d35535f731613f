import { afterEach, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import type { EventFigures } from '$lib/studio/records-answers.ts';
import { OVERLAY } from '$lib/studio/test-builders.ts';
import { given, testStage } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import EventCharts from './EventCharts.svelte';
import OverlayCard from './OverlayCard.svelte';

const figures: EventFigures = {
	...{ from: '2026-11-20T00:00:00Z', to: '2026-11-21T00:00:00Z', time_zone: 'UTC' },
	interval: 'hour',
	total: 1_250,
	by_type: [
		{ event_type: 'stage:raid', count: 1_000 },
		{ event_type: 'stage:follower', count: 250 }
	],
	by_platform: [{ platform: 'stage', count: 1_250 }],
	by_hour: [{ hour: 20, count: 1_250 }],
	series: [{ at: '2026-11-20T20:00:00Z', count: 1_250 }]
};

afterEach(cleanup);

it.each(['light', 'dark'] as const)(
	'figures are drawn, told in a sentence and laid out as a table (%s)',
	async (light) => {
		const { studio } = testStage();
		await studio.load();
		render(TestFrame, { part: given(EventCharts, { figures }), studio, light });
		await expect
			.element(page.getByRole('img', { name: /1,250 events between .* The most, 1,250, at/ }))
			.toBeVisible();
		const canvas = document.querySelector('canvas');
		const drawn = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
		expect(drawn?.some((value) => value !== 0)).toBe(true);
		await page.getByText('As a table').first().click();
		const table = page.getByRole('region', { name: 'By hour', exact: true }).getByRole('table');
		await expect.element(table.getByText('1,250')).toBeVisible();
		expect(table.getByRole('row').elements()).toHaveLength(25);
		await expect.element(page.getByRole('link', { name: 'Raid 1,000 80%' })).toBeVisible();
		expect(await faultsIn(document.body)).toEqual([]);
	}
);

it('a chart becomes narrower with its page', async () => {
	await page.viewport(390, 844);
	const { studio } = testStage();
	await studio.load();
	render(TestFrame, { part: given(EventCharts, { figures }), studio });
	await expect.poll(() => document.querySelectorAll('canvas').length).toBe(2);
	expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(390);
	await page.viewport(414, 896);
});

it('an overlay tells what became of its plays, also when there were none', async () => {
	const { studio } = testStage();
	const counts = {
		plays: 9,
		shown: 6,
		completed: 5,
		cancelled: 1,
		skipped: 0,
		expired: 2,
		failed: 1
	};
	const delay = { plays: 6, p50_ms: 80, p95_ms: 140, max_ms: 2_100 };
	const overlay = { overlay_id: OVERLAY, name: 'My alerts', ...counts, delay };
	render(TestFrame, { part: given(OverlayCard, { figures: overlay }), studio });
	await expect.element(page.getByText('80 ms')).toBeVisible();
	await expect.element(page.getByText('2.1s')).toBeVisible();
	expect(await faultsIn(document.body)).toEqual([]);
	cleanup();
	const none = { plays: 0, p50_ms: null, p95_ms: null, max_ms: null };
	render(TestFrame, { part: given(OverlayCard, { figures: { ...overlay, delay: none } }), studio });
	await expect.element(page.getByText('Nothing was shown yet.')).toBeVisible();
});
