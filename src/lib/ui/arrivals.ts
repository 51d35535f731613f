/**
 * Marks what is new in a list: rows that appear after `settle` flash once, those that were there
 * from the start do not. For use as an attachment on each row.
 */
export function arrivals() {
	let settled = false;
	return {
		settle: () => void requestAnimationFrame(() => (settled = true)),
		attach: (row: HTMLElement) => {
			if (!settled || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
			const wash = getComputedStyle(row).getPropertyValue('--blue-wash');
			row.animate([{ backgroundColor: wash, transform: 'translateY(-4px)' }, {}], {
				duration: 900,
				easing: 'ease-out'
			});
		}
	};
}
