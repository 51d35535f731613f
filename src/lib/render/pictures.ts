/**
 * Pictures, loaded once and kept while they are in use. Only from addresses that the document
 * allows; asked for without cookies and without telling where from. A picture that cannot be had
 * is null, never an error: the drawing has something else to show.
 *
 * Not through Pixi's `Assets`: its worker hangs silently under the page's policy, and it would be
 * a tenth of the page's code.
 */
import { mayLoad } from '$lib/overlay/address';

export interface Pictures {
	/** Loads and decodes. Resolves with null when it cannot be had; never rejects. */
	load(address: string): Promise<ImageBitmap | null>;
	/** What is loaded already. */
	get(address: string): ImageBitmap | null;
	close(): void;
}

/** How many are kept; those not used for longest go first. */
const KEPT = 64;
/** Larger ones are reduced when decoded: no design shows more, and memory is finite. */
const MAX_SIDE = 2048;

export function createPictures(hosts: readonly string[]): Pictures {
	const kept = new Map<string, ImageBitmap>();
	const loading = new Map<string, Promise<ImageBitmap | null>>();
	let closed = false;

	const touch = (address: string, picture: ImageBitmap): void => {
		kept.delete(address);
		kept.set(address, picture);
		for (const [oldest, old] of kept) {
			if (kept.size <= KEPT) break;
			kept.delete(oldest);
			old.close();
		}
	};

	async function fetchPicture(address: string): Promise<ImageBitmap | null> {
		try {
			const image = new Image();
			// Without CORS a canvas that shows it could not be read or uploaded.
			image.crossOrigin = 'anonymous';
			image.referrerPolicy = 'no-referrer';
			image.src = address;
			await image.decode();
			const { naturalWidth: width, naturalHeight: height } = image;
			const reduce = Math.min(1, MAX_SIDE / Math.max(width, height));
			const picture = await createImageBitmap(image, {
				resizeWidth: Math.max(1, Math.round(width * reduce)),
				resizeHeight: Math.max(1, Math.round(height * reduce)),
				resizeQuality: 'high'
			});
			if (closed) picture.close();
			else touch(address, picture);
			return closed ? null : picture;
		} catch {
			return null;
		}
	}

	return {
		async load(address) {
			const have = kept.get(address);
			if (have !== undefined) return have;
			if (closed || !mayLoad(address, hosts)) return null;
			let load = loading.get(address);
			if (load === undefined) {
				load = fetchPicture(address).finally(() => loading.delete(address));
				loading.set(address, load);
			}
			return load;
		},
		get(address) {
			const picture = kept.get(address) ?? null;
			if (picture !== null) touch(address, picture);
			return picture;
		},
		close() {
			closed = true;
			for (const picture of kept.values()) picture.close();
			kept.clear();
		}
	};
}
