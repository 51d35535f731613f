import { afterEach, describe, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { given } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from './test-axe.ts';
import TestList from './TestList.svelte';

const drawn = () => document.querySelectorAll('[data-row]').length;
const focused = () => document.activeElement?.textContent;

afterEach(cleanup);
const open = (props: { count: number; hasMore?: boolean; onmore?: () => void }) =>
	render(TestFrame, { part: given(TestList, props) });

describe('a long list', () => {
	it('of 100,000 rows is drawn where it is seen, as far as one scrolls', async () => {
		open({ count: 100_000 });
		await expect.element(page.getByText('Row 0', { exact: true })).toBeVisible();
		expect(drawn()).toBeLessThan(600);
		window.scrollTo(0, document.documentElement.scrollHeight / 2);
		const seen = () => document.querySelector('[data-row]')?.textContent ?? '';
		await expect.poll(() => Number(seen().slice(4))).toBeGreaterThan(10_000);
		expect(drawn()).toBeLessThan(600);
	});

	it('is moved through by keyboard from end to end', async () => {
		open({ count: 500 });
		window.scrollTo(0, 0);
		await page.getByText('Row 0', { exact: true }).click();
		expect(focused()).toBe('Row 0');
		await userEvent.keyboard('{ArrowDown}{ArrowDown}{ArrowUp}');
		expect(focused()).toBe('Row 1');
		await userEvent.keyboard('{End}');
		await expect.poll(focused).toBe('Row 499');
		await userEvent.keyboard('{Home}');
		await expect.poll(focused).toBe('Row 0');
		expect(await faultsIn(document.body)).toEqual([]);
	});

	it('asks for more when its end comes near, and says when there is none', async () => {
		let asked = 0;
		open({ count: 3, hasMore: true, onmore: () => void (asked += 1) });
		await expect.poll(() => asked).toBeGreaterThan(0);
		cleanup();
		open({ count: 3 });
		await expect.element(page.getByText('The end')).toBeVisible();
	});
});
