import type { Draw } from '$lib/render/drawing';
import { marginOf, setShadow, styleOf, surface } from '$lib/render/raster';
import { fill } from '../../template.ts';
import { layout } from './layout.ts';
import type { TextElement } from './schema.ts';

/** One canvas for measuring: its state is set before each use. */
let ruler: CanvasRenderingContext2D | null = null;

export const draw: Draw<TextElement> = (element, drawing) => {
	const { width, height, stroke, shadow } = element;
	const filled = fill(element.content, drawing.variables, drawing.locale).text.trim();
	if (filled === '') return null;
	const text = element.letters === 'upper' ? filled.toLocaleUpperCase(drawing.locale) : filled;

	ruler ??= document.createElement('canvas').getContext('2d');
	if (ruler === null) throw new Error('the browser gives no 2D canvas');
	const measuring = ruler;
	const { lines, size } = layout(text, element, (line, size) => {
		setFont(measuring, element, size);
		return measuring.measureText(line).width;
	});

	// Letters may stand out of the box: slanted ones, accents, and text that was not asked to fit.
	setFont(measuring, element, size);
	const widest = Math.max(...lines.map((line) => measuring.measureText(line).width));
	const tall = size * element.line_height * lines.length;
	const over = Math.max(0, widest - width, tall - height);
	const margin = marginOf(shadow, stroke) + Math.ceil(size * 0.4 + Math.min(over, 4000));

	const texture = drawing.paint({ width, height, margin }, (context) => {
		setFont(context, element, size);
		context.textAlign = element.align === 'centre' ? 'center' : element.align;
		context.textBaseline = 'alphabetic';
		context.direction = isRightToLeft(text) ? 'rtl' : 'ltr';
		const x = { left: 0, centre: width / 2, right: width }[element.align];
		const { fontBoundingBoxAscent: above, fontBoundingBoxDescent: below } =
			context.measureText('x');
		const step = size * element.line_height;
		const block = above + below + step * (lines.length - 1);
		const top = { top: 0, middle: (height - block) / 2, bottom: height - block }[
			element.vertical_align
		];
		lines.forEach((line, i) => {
			const y = top + above + i * step;
			setShadow(context, shadow);
			if (stroke !== null) {
				context.strokeStyle = stroke.colour;
				// Half of it is covered by the letter.
				context.lineWidth = stroke.width * 2;
				context.lineJoin = 'round';
				context.strokeText(line, x, y);
				setShadow(context, null);
			}
			context.fillStyle = styleOf(context, element.fill, width, height);
			context.fillText(line, x, y);
		});
	});
	return surface(texture, margin);
};

function setFont(context: CanvasRenderingContext2D, element: TextElement, size: number): void {
	const family = element.font.replaceAll(/["\\]/g, '');
	context.font = `${element.italic ? 'italic ' : ''}${element.weight} ${size}px "${family}", system-ui, sans-serif`;
	context.letterSpacing = `${(element.letter_spacing * size) / element.size}px`;
}

/** By the first letter that has a direction, as browsers decide `dir="auto"`. */
function isRightToLeft(text: string): boolean {
	const first = text.match(/\p{L}/u)?.[0] ?? '';
	return /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u.test(
		first
	);
}
