/**
 * From the platform's messages to drafts; pure.
 *
 * Business keys name the fact, not the delivery: say here, for each type, what identifies it and
 * why a second fact of the same kind cannot be swallowed.
 */
import type { DraftInput } from '../../bus/index.ts';
import { foreignText, storableDocument } from '../platform.ts';
import { follower } from './events.ts';
import { Follow, type Body } from './external.ts';

/** Turns a message into a draft, or says why there is none. Never throws. */
export function normalize(messageId: string, body: Body): DraftInput | { ignored: string } {
	if (body.kind !== 'follow') return { ignored: `${body.kind} is not a kind Cuelight reads` };
	const follow = Follow.safeParse(body.event);
	if (!follow.success) return { ignored: 'follow without its essential fields' };
	const { id, viewer } = follow.data;
	const name = foreignText(viewer.name || viewer.id, 100);
	return {
		event_type: follower.type,
		class: follower.class,
		platform: 'template',
		external_id: id,
		transport_key: `template:${messageId}`,
		business_key: `template:${body.channel}:follow:${id}`,
		data: { user: { id: viewer.id, login: name.toLowerCase(), name, picture: null } },
		raw: storableDocument(body.event),
		priority: follower.priority,
		duration_ms: follower.duration_ms
	};
}
