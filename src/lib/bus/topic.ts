/** Realtime topics: `account:{id}` for studio and remotes, `overlay:{id}` for pages. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export type Topic = { kind: 'account' | 'overlay'; id: string };

export const accountTopic = (accountId: string): string => `account:${accountId}`;
export const overlayTopic = (overlayId: string): string => `overlay:${overlayId}`;

/** Reads a topic name; null for anything that is not one of ours. */
export function parseTopic(name: string): Topic | null {
	const [kind, id, ...rest] = name.split(':');
	if (rest.length > 0 || id === undefined || !UUID.test(id)) return null;
	return kind === 'account' || kind === 'overlay' ? { kind, id } : null;
}
