/**
 * Where a document may load from: this server, by a path (`/sounds/chime.wav`), or https hosts that
 * the document names itself. Nothing else: no http, no data, no script, no other scheme.
 */
import { z } from 'zod';

/** A path on this server. Two slashes would name another host, a backslash too in a browser. */
const isPath = (text: string): boolean => /^\/(?![/\\])[^\s\\]*$/.test(text);

function isHttps(text: string): boolean {
	if (!/^https:\/\/[^\s\\]+$/.test(text)) return false;
	if (!URL.canParse(text)) return false;
	const url = new URL(text);
	return url.username === '' && url.password === '';
}

/** A file on this server: sounds and fonts. */
export const LocalAddress = z
	.string()
	.max(500)
	.refine(isPath, 'must be a path on this server, such as /sounds/chime.wav');

/** A picture on this server or on an https host that the document's `picture_hosts` names. */
export const PictureAddress = z
	.string()
	.max(2000)
	.refine(
		(text) => isPath(text) || isHttps(text),
		'must be a path on this server or an https address'
	);

/** A host name, or `*.name` for its subdomains. */
export const Host = z
	.string()
	.max(253)
	.regex(/^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+$/, 'must be a host name such as cdn.example.com');

/**
 * Whether a picture may be loaded. Decided again when drawing, because viewer pictures come with
 * events and not with the document.
 */
export function mayLoad(address: string, hosts: readonly string[]): boolean {
	if (isPath(address)) return true;
	if (!isHttps(address)) return false;
	const host = new URL(address).hostname;
	return hosts.some((allowed) =>
		allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) : host === allowed
	);
}
