/**
 * What an overlay's page asks, from its key in the address to its reports. The key is exchanged
 * once for a session; every later call carries that, and SQL judges it by the key's own row, so a
 * revoked key ends them all.
 */
import { z } from 'zod';
import { version } from '$app/environment';
import { AppError } from '$lib/bus/error.ts';
import { Text } from '$lib/bus/event.ts';
import { OverlayState } from '$lib/bus/message.ts';
import { PlayWithEvent } from '$lib/bus/status.ts';
import { overlayTopic } from '$lib/bus/topic.ts';
import { overlayDocument } from '$lib/server/backend/statements/overlays.ts';
import * as queue from '$lib/server/backend/statements/queue.ts';
import { defineAction } from './define.ts';
import { Count, Id } from './fields.ts';
import { claimsOf, overlayOf } from './principal.ts';
import { RealtimeAddress, realtimeAddress } from './realtime.ts';

const SESSION_SECONDS = 3600;
const EVENTS_PER_PULL = 100;

/** A report must not be lost because its explanation is long. */
const Shortened = (max: number) =>
	Text(10_000).transform((text) => text.slice(0, max).toWellFormed());

const session = defineAction({
	id: 'overlay.session',
	summary: "Exchanges an overlay's key for a session, with the document to show.",
	method: 'POST',
	path: '/overlay/session',
	permission: 'public',
	input: z.strictObject({ key: z.string().max(200) }),
	output: z.object({
		token: z.string(),
		expires_in: z.int(),
		account_id: z.uuid(),
		overlay_id: z.uuid(),
		name: z.string(),
		revision: z.int(),
		document: z.json(),
		realtime: RealtimeAddress,
		/** A page that sees another version than its own loads itself again. */
		server: z.object({ version: z.string() })
	}),
	run: async ({ services, origin, address }, { key: secret }) => {
		const key = await services.doorkeeper.key(secret, address);
		if (key.kind !== 'overlay' || key.overlay_id === null)
			throw new AppError('unauthenticated', `A key of kind ${key.kind} opens no overlay page.`);
		const claims = claimsOf({
			kind: 'overlay',
			key_id: key.id,
			account_id: key.account_id,
			overlay_id: key.overlay_id,
			expires_at: 0
		});
		if (claims === null) throw new AppError('internal', 'An overlay has claims.');
		const { overlay_id, account_id } = key;
		const { name, revision, document } = await services.database.as(claims, (sql) =>
			overlayDocument(sql, overlay_id)
		);
		return {
			token: await services.tokens.mint(claims, SESSION_SECONDS),
			expires_in: SESSION_SECONDS,
			account_id,
			overlay_id,
			name,
			revision,
			document,
			realtime: realtimeAddress(services, origin, overlayTopic(overlay_id)),
			server: { version }
		};
	}
});

const state = defineAction({
	id: 'overlay.state',
	summary: 'Pulls what the page has to show and the events since its cursor.',
	method: 'GET',
	path: '/overlay/state',
	permission: 'overlay',
	input: z.strictObject({
		epoch: Text(100).optional(),
		cursor: Count(0, Number.MAX_SAFE_INTEGER).default(0)
	}),
	output: OverlayState,
	run: ({ as, principal }, { epoch, cursor }) =>
		as((sql) =>
			queue.pullOverlay(sql, overlayOf(principal), epoch ?? null, cursor, EVENTS_PER_PULL)
		)
});

const heartbeat = defineAction({
	id: 'overlay.heartbeat',
	summary: 'Says that a page lives; answers whether it leads and when to come again.',
	method: 'POST',
	path: '/overlay/heartbeat',
	permission: 'overlay',
	input: z.strictObject({
		instance_id: Id,
		visible: z.boolean(),
		protocol: Text(40),
		muted: z.boolean().optional()
	}),
	output: queue.Heartbeat,
	run: ({ as, principal, userAgent }, { instance_id, ...facts }) =>
		as((sql) =>
			queue.heartbeat(sql, overlayOf(principal), instance_id, { ...facts, user_agent: userAgent })
		)
});

const claim = defineAction({
	id: 'overlay.claim',
	summary: 'Takes the next play of a lane, for the page that leads.',
	method: 'POST',
	path: '/overlay/claim',
	permission: 'overlay',
	input: z.strictObject({ instance_id: Id, lane: Text(100).min(1) }),
	output: z.object({ play: PlayWithEvent.nullable() }),
	run: async ({ as, principal }, { instance_id, lane }) => ({
		play: await as((sql) => queue.claimNext(sql, overlayOf(principal), instance_id, lane))
	})
});

const report = defineAction({
	id: 'overlay.report',
	summary: 'Reports that a play started, ended or failed. Repeating a report changes nothing.',
	method: 'POST',
	path: '/overlay/report',
	permission: 'overlay',
	input: z.strictObject({
		instance_id: Id,
		play_id: Id,
		attempt: z.int().min(0).max(1_000_000),
		report: z.enum(['started', 'ended', 'failed']),
		detail: z
			.strictObject({
				missing: z.array(Shortened(200)).max(200).optional(),
				error: Shortened(500).optional(),
				delay_ms: z.number().optional()
			})
			.default({})
	}),
	output: queue.Reported,
	run: ({ as, principal }, { instance_id, play_id, attempt, report: said, detail }) =>
		as((sql) =>
			queue.reportPlay(sql, overlayOf(principal), {
				play_id,
				instance_id,
				attempt,
				report: said,
				detail
			})
		)
});

export const overlayPageActions = [session, state, heartbeat, claim, report];
