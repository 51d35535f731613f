/** The addresses of keys, the audit log, figures and the account as a whole. */
import { z } from 'zod';
import * as answers from './answers.ts';
import type { Call } from './api.ts';
import * as records from './records-answers.ts';

/** Queries as the address takes them, without the question mark. */
export const recordCalls = (call: Call) => ({
	keys: () => call('GET', '/v1/keys', answers.listOf(answers.Key)),
	/** An ingest key takes no permissions. */
	makeKey: (wish: { kind: 'api' | 'ingest'; name: string; permissions?: readonly string[] }) =>
		call('POST', '/v1/keys', answers.KeyMade, wish),
	audit: (query: string) => call('GET', `/v1/audit?${query}`, records.AuditPage),
	eventFigures: (query: string) =>
		call('GET', `/v1/analytics/events?${query}`, records.EventFigures),
	overlayFigures: (query: string) =>
		call('GET', `/v1/analytics/overlays?${query}`, answers.listOf(records.OverlayFigures)),
	/** For good; the account's name has to be typed. */
	deleteAccount: (name: string) => call('DELETE', '/v1/account', z.unknown(), { name })
});
