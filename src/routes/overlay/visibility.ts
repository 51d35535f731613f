/**
 * Whether anybody can see this page. OBS says it by events of its own (`obs-browser` README); its
 * pages are also hidden in the browser's sense, but not in every version, so its word goes first.
 */
export function watchVisibility(window: Window, onChange: (visible: boolean) => void): () => void {
	let shownByObs: boolean | null = null;
	const tell = () => onChange(shownByObs ?? window.document.visibilityState === 'visible');
	const stop = new AbortController();
	const { signal } = stop;

	window.document.addEventListener('visibilitychange', tell, { signal });
	for (const [name, key] of [
		['obsSourceVisibleChanged', 'visible'],
		['obsSourceActiveChanged', 'active']
	] as const)
		window.addEventListener(
			name,
			(event) => {
				const said = event instanceof CustomEvent ? (event.detail as unknown) : null;
				if (typeof said !== 'object' || said === null) return;
				const value: unknown = Reflect.get(said, key);
				// On air implies seen; off air says nothing, for a preview may still show it.
				if (key === 'active' && value !== true) return;
				if (typeof value === 'boolean') shownByObs = value;
				tell();
			},
			{ signal }
		);
	tell();
	return () => stop.abort();
}
