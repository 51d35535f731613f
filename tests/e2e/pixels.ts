/**
 * Watches what an overlay page really paints: a probe in the page copies the overlay's canvas to a
 * small one on every frame and notes when it turns from empty to painted and back. Nothing of the
 * page's own state is asked.
 */
import type { Page } from '@playwright/test';

export interface Turn {
	/** Milliseconds since 1970 by the page's monotonic clock (`performance.timeOrigin + now`). */
	at: number;
	painted: boolean;
	/** Share of pixels that are not transparent. */
	share: number;
}

declare global {
	interface Window {
		__turns?: Turn[];
	}
}

/** Installs the probe; call it before the page is opened. */
export async function watchPixels(page: Page): Promise<void> {
	await page.addInitScript(() => {
		const turns: Turn[] = [];
		window.__turns = turns;
		const small = document.createElement('canvas');
		small.width = 96;
		small.height = 54;
		const context = small.getContext('2d', { willReadFrequently: true });
		let painted = false;
		const look = () => {
			const canvas = document.querySelector('canvas');
			if (canvas && context) {
				context.clearRect(0, 0, 96, 54);
				context.drawImage(canvas, 0, 0, 96, 54);
				const { data } = context.getImageData(0, 0, 96, 54);
				let opaque = 0;
				for (let i = 3; i < data.length; i += 4) if ((data[i] ?? 0) > 24) opaque += 1;
				const share = opaque / (96 * 54);
				const now = share > 0.002;
				if (now !== painted) {
					painted = now;
					turns.push({ at: performance.timeOrigin + performance.now(), painted, share });
				}
			}
			requestAnimationFrame(look);
		};
		requestAnimationFrame(look);
	});
}

export const turnsOf = (page: Page): Promise<Turn[]> => page.evaluate(() => window.__turns ?? []);

/** Waits until the page's turns number at least `count`, and gives the last of them. */
export async function awaitTurn(page: Page, count: number, timeout = 15_000): Promise<Turn> {
	await page.waitForFunction((n) => (window.__turns ?? []).length >= n, count, {
		timeout,
		polling: 10
	});
	const turn = (await turnsOf(page))[count - 1];
	if (!turn) throw new Error(`the page has fewer than ${count} turns`);
	return turn;
}

/** Milliseconds since 1970 by this process's monotonic clock, comparable with a page's `at`. */
export const monotonicEpoch = (): number => performance.timeOrigin + performance.now();
