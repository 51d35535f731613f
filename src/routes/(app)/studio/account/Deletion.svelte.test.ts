import { afterEach, describe, expect, it } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import { cleanup, render } from 'vitest-browser-svelte';
import { given, testStage, type Answer } from '$lib/studio/test-stage.ts';
import TestFrame from '$lib/studio/TestFrame.svelte';
import { faultsIn } from '$lib/ui/test-axe.ts';
import Deletion from './Deletion.svelte';

afterEach(cleanup);
function open(answer: () => Answer = () => ({ body: {} })) {
	const stage = testStage({ answers: { 'DELETE /v1/account': answer } });
	let gone = 0;
	render(TestFrame, {
		part: given(Deletion, { name: 'The Old Vic', ongone: () => (gone += 1) }),
		studio: stage.studio
	});
	return { ...stage, gone: () => gone };
}
const button = () => page.getByRole('button', { name: 'Delete for good' });

describe('deleting an account', () => {
	it('needs its name, and one more answer', async () => {
		const { asked, gone } = open();
		await expect.element(button()).toBeDisabled();
		await page.getByLabelText('To delete it, type its name').fill('the old vic');
		await expect.element(button()).toBeDisabled();
		await page.getByLabelText('To delete it, type its name').fill('The Old Vic');
		expect(await faultsIn(document.body)).toEqual([]);
		await userEvent.keyboard('{Enter}');
		const dialog = page.getByRole('alertdialog');
		await expect.element(dialog.getByRole('button', { name: 'Never mind' })).toHaveFocus();
		expect(asked('DELETE /v1/account')).toEqual([]);
		await dialog.getByRole('button', { name: 'Delete for good' }).click();
		await expect.poll(gone).toBe(1);
		expect(asked('DELETE /v1/account')).toEqual([{ name: 'The Old Vic' }]);
	});

	it('that is refused says so, and leaves everything as it is', async () => {
		const { gone } = open(() => ({ status: 403, body: { code: 'forbidden' } }));
		await page.getByLabelText('To delete it, type its name').fill('The Old Vic');
		await button().click();
		await page.getByRole('alertdialog').getByRole('button', { name: 'Delete for good' }).click();
		await expect.element(page.getByRole('alert')).toBeVisible();
		expect(gone()).toBe(0);
	});
});
