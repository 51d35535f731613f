/**
 * Where the lines of a text break and how large they are: wraps at words (and inside a word that
 * is wider than the box), shrinks to fit, and as the last resort ends in an ellipsis. Pure: how
 * wide a line is, at size 1, is an argument.
 */
import type { TextElement } from './schema.ts';

export interface Layout {
	lines: string[];
	size: number;
}
/** The width of a line at a size. */
export type Measure = (line: string, size: number) => number;

type Box = Pick<TextElement, 'width' | 'height' | 'size' | 'line_height' | 'wrap' | 'fit'>;

/** Lays a text out in its box. */
export function layout(text: string, box: Box, measure: Measure): Layout {
	const smallest = box.fit === null ? box.size : Math.min(box.fit.smallest, box.size);
	let low = Math.floor(smallest);
	let high = Math.floor(box.size);
	const largest = arrange(text, box, box.size, measure);
	if (box.fit === null || fits(largest, box, measure)) return largest;
	// The largest whole size that fits; if none does, the smallest, cut.
	let best = arrange(text, box, smallest, measure);
	while (low <= high) {
		const size = Math.floor((low + high) / 2);
		const tried = arrange(text, box, size, measure);
		if (fits(tried, box, measure)) {
			best = tried;
			low = size + 1;
		} else high = size - 1;
	}
	return fits(best, box, measure) ? best : cut(best, box, measure);
}

function arrange(text: string, box: Box, size: number, measure: Measure): Layout {
	const paragraphs = text.split('\n');
	const lines = box.wrap
		? paragraphs.flatMap((paragraph) => wrap(paragraph, box.width, size, measure))
		: paragraphs;
	return { lines, size };
}

function fits({ lines, size }: Layout, box: Box, measure: Measure): boolean {
	// The last line needs no room below it.
	const height = size * (1 + (lines.length - 1) * box.line_height);
	return height <= box.height && lines.every((line) => measure(line, size) <= box.width);
}

function wrap(paragraph: string, width: number, size: number, measure: Measure): string[] {
	const lines: string[] = [];
	let line = '';
	for (const word of paragraph.split(/(?<=[\s-])|(?=\p{Script=Han})|(?<=\p{Script=Han})/u)) {
		if (line === '' || measure((line + word).trimEnd(), size) <= width) line += word;
		else {
			lines.push(line.trimEnd());
			line = word;
		}
		while (measure(line.trimEnd(), size) > width) {
			const letters = [...line];
			const some = longest(letters, (text) => measure(text, size) <= width);
			lines.push(letters.slice(0, some).join(''));
			line = letters.slice(some).join('');
			if (letters.length <= 1) break;
		}
	}
	return [...lines, line.trimEnd()];
}

/** As many lines as the box has room for, the last (or any too wide) ending in `…`. */
function cut({ lines, size }: Layout, box: Box, measure: Measure): Layout {
	const room = Math.max(1, Math.floor((box.height / size - 1) / box.line_height) + 1);
	const kept = lines.slice(0, room).map((line, i) => {
		const more = i === room - 1 && lines.length > room;
		if (!more && measure(line, size) <= box.width) return line;
		const letters = [...line];
		const some = longest(letters, (text) => measure(text.trimEnd() + '…', size) <= box.width);
		return letters.slice(0, some).join('').trimEnd() + '…';
	});
	return { lines: kept, size };
}

/** How many of the letters, at least one, pass the test. */
function longest(letters: readonly string[], passes: (text: string) => boolean): number {
	let low = 1;
	let high = letters.length;
	while (low < high) {
		const middle = Math.ceil((low + high) / 2);
		if (passes(letters.slice(0, middle).join(''))) low = middle;
		else high = middle - 1;
	}
	return low;
}
