/** Reads a polled list page by page, within bounds. */
import type { CallResult, Page } from '$lib/platforms/call.ts';
import type { Member, Poll } from '$lib/platforms/source.ts';
import { MAX_PAGES } from './policy.ts';

/** The platform did not let the list be read; anything else that is thrown is a fault of ours. */
export class LookFailed extends Error {}

/**
 * Each page, the first entries first; ends early when `onPage` says so.
 * @throws LookFailed when a page did not come, or a whole list is longer than can be compared.
 */
export async function readList(
	page: (cursor: string | null) => Promise<CallResult<Page<Member>>>,
	kind: Poll['kind'],
	signal: AbortSignal,
	onPage: (items: readonly Member[]) => boolean
): Promise<void> {
	let cursor: string | null = null;
	for (let pages = 0; pages < MAX_PAGES; pages += 1) {
		const answer: CallResult<Page<Member>> = await page(cursor);
		if (signal.aborted) throw new LookFailed('stopped');
		if (!answer.ok) throw new LookFailed(`${answer.failure}: ${answer.reason}`);
		if (onPage(answer.value.items)) return;
		// A cursor that leads to itself would lead there for ever.
		if (answer.value.cursor === null || answer.value.cursor === cursor) return;
		cursor = answer.value.cursor;
	}
	if (kind === 'whole') throw new LookFailed(`the list is longer than ${MAX_PAGES} pages`);
}
