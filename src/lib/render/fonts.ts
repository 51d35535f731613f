/** The document's fonts, in the page before anything is written with them. */
import type { Font } from '$lib/overlay/document';

export interface Fonts {
	/** Resolves with the addresses that could not be had. Never rejects. */
	ready: Promise<string[]>;
	close(): void;
}

export function loadFonts(fonts: readonly Font[]): Fonts {
	const faces: FontFace[] = [];
	const load = async (font: Font): Promise<string | null> => {
		try {
			const face = new FontFace(font.family, `url(${JSON.stringify(encodeURI(font.address))})`, {
				weight: font.weight,
				style: font.italic ? 'italic' : 'normal',
				...(font.letters === null ? {} : { unicodeRange: font.letters })
			});
			faces.push(face);
			document.fonts.add(face);
			await face.load();
			return null;
		} catch {
			return font.address;
		}
	};
	return {
		ready: Promise.all(fonts.map(load)).then((all) => all.filter((address) => address !== null)),
		close() {
			for (const face of faces) document.fonts.delete(face);
		}
	};
}
