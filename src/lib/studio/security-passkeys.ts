/**
 * Passkeys, by the browser's own dialogue. They belong to a name: a page opened by an address in
 * digits has none, and outside https only `localhost` counts as safe.
 */
import { ApiError } from './api.ts';
import type { securityCalls } from './security-calls.ts';

type Calls = ReturnType<typeof securityCalls>;
type Place = Pick<Location, 'hostname' | 'port' | 'protocol' | 'pathname'>;

const isDigits = (host: string): boolean => /^\[|^[\d.]+$/.test(host);

/** Whether passkeys can be used here; else the address where they can, or null for nowhere. */
export function passkeysAt(place: Place, isSecure: boolean): true | { open: string | null } {
	if (isSecure && !isDigits(place.hostname)) return true;
	const isHere = place.hostname.startsWith('127.') || place.hostname === '[::1]';
	const port = place.port === '' ? '' : `:${place.port}`;
	return { open: isHere ? `${place.protocol}//localhost${port}${place.pathname}` : null };
}

/** The person closed the dialogue, or waited too long: nothing to be told. */
const wasClosed = (error: unknown): boolean =>
	error instanceof Error && (error.name === 'NotAllowedError' || error.name === 'AbortError');

/** Signs in by a passkey; false when the person thought better of it. */
export async function enterByPasskey(calls: Calls): Promise<boolean> {
	const [{ startAuthentication }, optionsJSON] = await Promise.all([
		import('@simplewebauthn/browser'),
		calls.passkeyChallenge()
	]);
	const response = await startAuthentication({ optionsJSON }).catch(refuse);
	if (response === null) return false;
	await calls.enterPasskey(response);
	return true;
}

/** Makes a passkey on this device; false when the person thought better of it. */
export async function addPasskey(calls: Calls, name: string): Promise<boolean> {
	const [{ startRegistration }, optionsJSON] = await Promise.all([
		import('@simplewebauthn/browser'),
		calls.passkeyOffer()
	]);
	const response = await startRegistration({ optionsJSON }).catch(refuse);
	if (response === null) return false;
	await calls.addPasskey(response, name);
	return true;
}

function refuse(error: unknown): null {
	if (wasClosed(error)) return null;
	// The device has one of this account already.
	if (error instanceof Error && error.name === 'InvalidStateError') throw new ApiError('conflict');
	throw new ApiError('internal', error instanceof Error ? error.message : String(error));
}
