/** What axe finds wrong in a part of a page, by WCAG 2.0 to 2.2, levels A and AA: one line each. */
import axe from 'axe-core';

export async function faultsIn(part: Element): Promise<string[]> {
	const { violations } = await axe.run(part, {
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
	});
	return violations.flatMap(({ id, nodes }) =>
		nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`)
	);
}
