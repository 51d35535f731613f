/**
 * Arrow keys, Home and End move through a list's rows: whatever carries `data-row`. For use as an
 * attachment on the list.
 */
import type { Attachment } from 'svelte/attachments';

/** Rows that were out of sight are drawn when they come near: within a few frames. */
const FRAMES = 12;

export const rowKeys: Attachment<HTMLElement> = (list) => {
	const rows = () => [...list.querySelectorAll<HTMLElement>('[data-row]')];
	function go(end: 'first' | 'last', left = FRAMES) {
		const all = rows();
		(end === 'first' ? list.firstElementChild : list.lastElementChild)?.scrollIntoView({
			block: end === 'first' ? 'start' : 'end'
		});
		all.at(end === 'first' ? 0 : -1)?.focus({ preventScroll: left > 0 });
		if (left > 0) requestAnimationFrame(() => go(end, left - 1));
	}
	function press(event: KeyboardEvent) {
		if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
		const { activeElement } = document;
		const all = rows();
		const at = all.findIndex((row) => row === activeElement);
		if (at < 0) return;
		if (event.key === 'Home') go('first');
		else if (event.key === 'End') go('last');
		else if (event.key === 'ArrowDown') all[at + 1]?.focus();
		else if (event.key === 'ArrowUp') all[at - 1]?.focus();
		else return;
		event.preventDefault();
	}
	list.addEventListener('keydown', press);
	return () => list.removeEventListener('keydown', press);
};
