const PLACES = /^\/(?:studio|join)(?:[/?#]|$)/;

/**
 * An address inside the studio, or of an invitation, that a link asked to go on to, or null:
 * nobody may be sent to a foreign site by a sign-in link. Pure.
 */
export function innerAddress(wish: string | null): string | null {
	if (wish === null || !PLACES.test(wish)) return null;
	const url = new URL(wish, 'http://inner.invalid');
	return url.host === 'inner.invalid' && PLACES.test(url.pathname) ? wish : null;
}
