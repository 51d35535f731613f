/** How the starter's alert looks when it stands still. */
import type { ElementInput } from '../elements/index.ts';
import type { GroupInput } from '../elements/group/schema.ts';
import { solid, type Colour, type Fill } from '../paint.ts';
import type { Act } from './acts.ts';

const FONT = 'Bricolage Grotesque';
const INK: Colour = '#120e1c';

const linear = (angle: number, ...colours: Colour[]): Fill => ({
	type: 'linear',
	angle,
	stops: colours.map((colour, i) => ({ at: i / (colours.length - 1), colour }))
});
const radial = (...colours: Colour[]): Fill => ({
	type: 'radial',
	stops: colours.map((colour, i) => ({ at: i / (colours.length - 1), colour }))
});

type Box = { id: string; name: string; x: number; y: number; width: number; height: number };
type ShapeInput = Extract<ElementInput, { kind: 'shape' }>;
const disc = (box: Box, fill: Fill): ShapeInput => ({
	...box,
	kind: 'shape',
	outline: { form: 'ellipse' },
	fill
});
const icon = (box: Box, path: string, fill: Fill): ShapeInput => ({
	...box,
	kind: 'shape',
	outline: { form: 'path', path, grid: 24 },
	fill
});

/** Where the confetti lies before it flies, and its turn. */
export const confetti = [
	[-30, 60, -40],
	[20, -28, 25],
	[110, -48, 70],
	[196, -20, -15],
	[236, 64, 40],
	[222, 178, -60],
	[128, 236, 15],
	[10, 214, -30]
] as const;

/** The whole alert, 1040 × 400. */
export function card(act: Act): GroupInput {
	const [bright, deep] = act.light;
	const words = act.figure === null ? 560 : 440;
	return {
		id: 'alert',
		name: 'Alert',
		kind: 'group',
		x: 0,
		y: 0,
		width: 1040,
		height: 400,
		origin: { x: 0.5, y: 0.35 },
		children: [
			disc(
				{ id: 'beam', name: 'Beam', x: -60, y: -60, width: 1120, height: 400 },
				radial(`${deep}66`, `${deep}22`, `${deep}00`)
			),
			bubble(act),
			{
				id: 'card',
				name: 'Card',
				kind: 'group',
				x: 128,
				y: 62,
				width: 872,
				height: 164,
				origin: { x: 0, y: 0.5 },
				children: [
					{
						id: 'shade',
						name: 'Shade',
						kind: 'shape',
						x: 0,
						y: 0,
						width: 872,
						height: 164,
						outline: { form: 'rectangle', radius: 40 },
						fill: solid(INK),
						shadow: { colour: '#00000099', blur: 34, y: 14 }
					},
					{
						id: 'inside',
						name: 'Inside',
						kind: 'group',
						x: 0,
						y: 0,
						width: 872,
						height: 164,
						clip: { radius: 40 },
						children: [
							{
								id: 'ground',
								name: 'Ground',
								kind: 'shape',
								x: 0,
								y: 0,
								width: 872,
								height: 164,
								outline: { form: 'rectangle' },
								fill: linear(12, '#2a2140', INK, '#1b1430')
							},
							disc(
								{ id: 'wash', name: 'Wash', x: 480, y: -150, width: 560, height: 420 },
								radial(`${deep}cc`, `${deep}44`, `${deep}00`)
							),
							// Three gobo bars, as if a lamp threw them over the card's end.
							...[0, 1, 2].map((i): ElementInput => ({
								...icon(
									{
										id: `bar-${i + 1}`,
										name: `Bar ${i + 1}`,
										x: 590 + i * 92,
										y: -4,
										width: 172,
										height: 172
									},
									'M10 0H19L14 24H5Z',
									linear(90, `${bright}00`, `${bright}${['22', '33', '44'][i]}`)
								)
							})),
							...(act.figure === null
								? [
										{
											...icon(
												{ id: 'motif', name: 'Motif', x: 680, y: -8, width: 176, height: 176 },
												act.icon,
												linear(90, `${bright}b0`, `${deep}50`)
											),
											rotation: 12
										}
									]
								: figure(act.figure, bright)),
							{
								id: 'shine',
								name: 'Shine',
								kind: 'shape',
								x: -320,
								y: -10,
								width: 260,
								height: 184,
								outline: { form: 'path', path: 'M9 0H24L15 24H0Z', grid: 24 },
								fill: linear(0, '#ffffff00', '#ffffff38', '#ffffff00')
							},
							{
								id: 'edge',
								name: 'Edge',
								kind: 'shape',
								x: 0,
								y: 158,
								width: 872,
								height: 6,
								outline: { form: 'rectangle' },
								fill: linear(0, deep, bright, `${bright}00`)
							}
						]
					},
					{
						id: 'rim',
						name: 'Rim',
						kind: 'shape',
						x: 1,
						y: 1,
						width: 870,
						height: 162,
						outline: { form: 'rectangle', radius: 39 },
						fill: null,
						stroke: { colour: '#ffffff26', width: 2 }
					}
				]
			},
			text({ id: 'kicker', name: 'Kicker', x: 286, y: 80, width: words, height: 30 }, act.kicker, {
				size: 24,
				weight: 700,
				letters: 'upper',
				letter_spacing: 4,
				fill: solid(bright),
				fit: { smallest: 14 }
			}),
			text(
				{ id: 'who', name: 'Name', x: 284, y: 106, width: words, height: 74 },
				'{user|or:Someone}',
				{
					size: 66,
					weight: 800,
					letter_spacing: -1,
					fill: linear(90, '#ffffff', '#ffffff', bright),
					fit: { smallest: 26 }
				}
			),
			text({ id: 'line', name: 'Line', x: 286, y: 176, width: words, height: 36 }, act.line, {
				size: 26,
				weight: 500,
				fill: solid('#cfc6e4'),
				fit: { smallest: 16 }
			}),
			...confetti.map(([x, y, rotation], i): ElementInput => ({
				id: `bit-${i + 1}`,
				name: `Confetti ${i + 1}`,
				kind: 'shape',
				x: 30 + x,
				y: 44 + y,
				width: i % 3 === 0 ? 16 : 22,
				height: i % 3 === 0 ? 16 : 9,
				rotation,
				outline: i % 3 === 0 ? { form: 'ellipse' } : { form: 'rectangle', radius: 4 },
				fill: solid(i % 2 === 0 ? bright : deep),
				alpha: 1
			})),
			lamp(act)
		]
	};
}

/** The viewer's picture in a lit ring, with the sort of event as a badge. */
const lamp = ({ light: [bright, deep], icon: path }: Act): ElementInput => ({
	id: 'lamp',
	name: 'Lamp',
	kind: 'group',
	x: 40,
	y: 34,
	width: 220,
	height: 220,
	children: [
		{
			...disc(
				{ id: 'ring', name: 'Ring', x: 0, y: 0, width: 220, height: 220 },
				linear(60, bright, deep, INK, bright)
			),
			shadow: { colour: `${deep}aa`, blur: 36 }
		},
		disc({ id: 'gap', name: 'Gap', x: 9, y: 9, width: 202, height: 202 }, solid(INK)),
		{
			id: 'picture',
			name: 'Picture',
			kind: 'image',
			x: 17,
			y: 17,
			width: 186,
			height: 186,
			radius: 93,
			source: { from: 'viewer' },
			fallback: { font: FONT, fill: null, colour: '#ffffff' }
		},
		{
			id: 'badge',
			name: 'Badge',
			kind: 'group',
			x: 148,
			y: 148,
			width: 76,
			height: 76,
			children: [
				disc({ id: 'badge-rim', name: 'Rim', x: 0, y: 0, width: 76, height: 76 }, solid(INK)),
				disc(
					{ id: 'badge-disc', name: 'Disc', x: 7, y: 7, width: 62, height: 62 },
					linear(60, bright, deep)
				),
				icon(
					{ id: 'badge-icon', name: 'Icon', x: 22, y: 22, width: 32, height: 32 },
					path,
					solid(INK)
				)
			]
		}
	]
});

/** What the viewer wrote, under the card; gone when they wrote nothing. */
const bubble = ({ light: [, deep] }: Act): ElementInput => ({
	id: 'bubble',
	name: 'Message',
	kind: 'group',
	needs: 'message',
	x: 262,
	y: 214,
	width: 700,
	height: 122,
	origin: { x: 0.1, y: 0 },
	children: [
		{
			id: 'bubble-ground',
			name: 'Ground',
			kind: 'shape',
			x: 0,
			y: 0,
			width: 700,
			height: 122,
			outline: { form: 'rectangle', radius: 30 },
			fill: linear(90, '#0d0a15f2', '#1f1833f2'),
			stroke: { colour: `${deep}88`, width: 2 },
			shadow: { colour: '#00000080', blur: 24, y: 8 }
		},
		text(
			{ id: 'message', name: 'Words', x: 30, y: 22, width: 640, height: 90 },
			'{message|cut:220}',
			{
				size: 30,
				weight: 500,
				wrap: true,
				line_height: 1.22,
				fill: solid('#f4f0ff'),
				fit: { smallest: 17 }
			}
		)
	]
});

function figure(
	{ text: content, unit, needs }: NonNullable<Act['figure']>,
	bright: Colour
): ElementInput[] {
	return [
		{
			...text({ id: 'figure', name: 'Figure', x: 620, y: 18, width: 224, height: 96 }, content, {
				size: 92,
				weight: 800,
				letter_spacing: -3,
				align: 'right',
				fill: linear(90, '#ffffff', bright),
				fit: { smallest: 40 }
			}),
			needs
		},
		{
			...text({ id: 'unit', name: 'Unit', x: 620, y: 112, width: 222, height: 30 }, unit, {
				size: 22,
				weight: 700,
				letters: 'upper',
				letter_spacing: 4,
				align: 'right',
				fill: solid('#ffffffcc'),
				fit: { smallest: 14 }
			}),
			needs
		}
	];
}

type TextInput = Extract<ElementInput, { kind: 'text' }>;
const text = (
	box: Box,
	content: string,
	style: Pick<TextInput, 'size' | 'fill'> & Partial<TextInput>
): TextInput => ({ ...box, kind: 'text', content, font: FONT, ...style });
