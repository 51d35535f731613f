/**
 * An address inside the studio that a link asked to go on to, or null: nobody may be sent to a
 * foreign site by a sign-in link. Pure.
 */
export function innerAddress(wish: string | null): string | null {
	if (wish === null || !/^\/studio(?:[/?#]|$)/.test(wish)) return null;
	const url = new URL(wish, 'http://inner.invalid');
	return url.host === 'inner.invalid' && url.pathname.startsWith('/studio') ? wish : null;
}
