/** Bars on a canvas, by uPlot, in the colours of the page. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Bars {
	counts: readonly number[];
	/** What stands under a bar. */
	tick: (index: number) => string;
	/** Numbers as the reader writes them. */
	number: (value: number) => string;
	/** Told which bar is pointed at. */
	onpoint: (index: number | null) => void;
}

/** A colour of the page as a canvas takes it: variables that follow the lights are resolved. */
function colourOf(place: HTMLElement, name: string): string {
	const probe = document.createElement('span');
	probe.style.color = `var(--${name})`;
	place.append(probe);
	const { color } = getComputedStyle(probe);
	probe.remove();
	return color;
}

const HEIGHT = 240;

/** Draws into an element and follows its width; the returned function takes the drawing away. */
export function drawBars(place: HTMLElement, { counts, tick, number, onpoint }: Bars): () => void {
	const ink = colourOf(place, 'dim');
	const line = { stroke: colourOf(place, 'line'), width: 1 };
	const { fontFamily } = getComputedStyle(place);
	const axis = { stroke: ink, grid: line, ticks: line, font: `12px ${fontFamily}` };
	const bar = colourOf(place, 'blue');
	const isWhole = (value: number) => Number.isInteger(value);
	const chart = new uPlot(
		{
			width: place.clientWidth,
			height: HEIGHT,
			legend: { show: false },
			cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
			scales: {
				x: { time: false, range: [-0.6, Math.max(0, counts.length - 1) + 0.6] },
				y: { range: (_, __, most) => [0, Math.max(4, most * 1.08)] }
			},
			series: [
				{},
				{
					fill: bar,
					stroke: bar,
					width: 0,
					points: { show: false },
					paths: uPlot.paths.bars?.({ size: [0.72, 44] })
				}
			],
			axes: [
				{
					...axis,
					grid: { show: false },
					space: 76,
					incrs: [1, 2, 3, 4, 6, 7, 12, 14, 24, 28, 30, 48, 60, 90],
					values: (_, at) =>
						at.map((index) => (isWhole(index) && index in counts ? tick(index) : ''))
				},
				{
					...axis,
					incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6, 1e7],
					size: 56,
					values: (_, at) => at.map(number)
				}
			],
			hooks: { setCursor: [({ cursor }) => onpoint(cursor.idx ?? null)] }
		},
		[counts.map((_, index) => index), [...counts]],
		place
	);
	const follow = new ResizeObserver(() =>
		chart.setSize({ width: place.clientWidth, height: HEIGHT })
	);
	follow.observe(place);
	return () => {
		follow.disconnect();
		chart.destroy();
	};
}
