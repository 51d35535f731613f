/** Overlays and their documents. Each function is one call of the SQL function of that name. */
import { z } from 'zod';
import type { Sql, TransactionSql } from '../database.ts';
import { ask } from './refusal.ts';

export const OverlaySummary = z.object({
	id: z.uuid(),
	name: z.string(),
	revision: z.int().positive(),
	width: z.int(),
	height: z.int(),
	created_at: z.string(),
	updated_at: z.string()
});
export type OverlaySummary = z.infer<typeof OverlaySummary>;

/** The document is what $lib/overlay reads; here it is any JSON. */
export const Overlay = OverlaySummary.extend({ document: z.json() });
export type Overlay = z.infer<typeof Overlay>;

export const OverlayDocument = z.object({
	id: z.uuid(),
	name: z.string(),
	revision: z.int().positive(),
	document: z.json()
});
export type OverlayDocument = z.infer<typeof OverlayDocument>;

export const listOverlays = (
	sql: Sql | TransactionSql,
	accountId: string
): Promise<OverlaySummary[]> =>
	ask(z.array(OverlaySummary), sql`select app.list_overlays(${accountId}) as answer`);

export const getOverlay = (
	sql: Sql | TransactionSql,
	accountId: string,
	overlayId: string
): Promise<Overlay> =>
	ask(Overlay, sql`select app.get_overlay(${accountId}, ${overlayId}) as answer`);

/** What a page draws; for the overlay's own key. */
export const overlayDocument = (
	sql: Sql | TransactionSql,
	overlayId: string
): Promise<OverlayDocument> =>
	ask(OverlayDocument, sql`select app.overlay_document(${overlayId}) as answer`);
