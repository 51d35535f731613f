/**
 * `window.__cuelight`: what this page knows and did, for tests and support. Each look is a copy
 * made at that moment; nothing can be changed through it, and it holds no key or token.
 */
import type { Diagnostics } from '$lib/player/player.ts';

export interface PageDiagnostics extends Partial<Diagnostics> {
	state: 'opening' | 'running' | 'closed';
	link: 'connecting' | 'realtime' | 'stream' | 'polling';
}

declare global {
	interface Window {
		readonly __cuelight?: PageDiagnostics;
	}
}

export function exposeDiagnostics(window: Window, look: () => PageDiagnostics): () => void {
	Object.defineProperty(window, '__cuelight', {
		configurable: true,
		get: () => structuredClone(look())
	});
	return () => Reflect.deleteProperty(window, '__cuelight');
}
