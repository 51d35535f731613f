/** The value, or null when it takes longer or fails. */
export function within<T>(limit_ms: number, promise: Promise<T>): Promise<T | null> {
	return new Promise((resolve) => {
		const timer = setTimeout(() => resolve(null), limit_ms);
		const settle = (value: T | null): void => {
			clearTimeout(timer);
			resolve(value);
		};
		promise.then(settle, () => settle(null));
	});
}
