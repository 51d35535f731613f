/** ETags: a reader that polls sends back the one it has, and hears 304 when nothing changed. */
import { createHash } from 'node:crypto';

/** A strong ETag of an answer's bytes. */
export const etagOf = (body: string): string =>
	`"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;

/** Whether `If-None-Match` names this ETag, by weak comparison (RFC 9110, 13.1.2). */
export function isKnown(ifNoneMatch: string | null, etag: string): boolean {
	if (ifNoneMatch === null) return false;
	const bare = (one: string) => one.trim().replace(/^W\//, '');
	return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((one) => bare(one) === etag);
}
