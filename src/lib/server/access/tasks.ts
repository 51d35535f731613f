/** What access does again and again. */
import type { Database } from '$lib/server/backend/index.ts';
import { purgeAccess } from '$lib/server/backend/statements/access.ts';
import type { Task } from '$lib/server/jobs/scheduler.ts';
import type { Consents } from './consents.ts';
import type { PlatformAccess } from './platform-access.ts';

export const accessTasks = (
	access: PlatformAccess,
	consents: Consents,
	{ sql }: Database
): Task[] => [
	{
		name: 'validate_tokens',
		title: 'Asks the platforms whether the consents of connected channels still stand',
		// Consents are due by their own hour; this is how late one may be.
		interval_s: 300,
		run: (signal) => access.validateDue(signal)
	},
	{
		name: 'poll_device_codes',
		title: 'Asks the platforms whether device codes were confirmed, when no page does',
		interval_s: 15,
		run: (signal) => consents.pollDevices(null, signal)
	},
	{
		name: 'purge_access',
		title: 'Forgets consents of yesterday and programs’ tokens that have ended',
		interval_s: 3_600,
		run: () => purgeAccess(sql)
	}
];
