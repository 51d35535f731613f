/**
 * A raid is told twice where chat is read: by `channel.raid` and by a notice in chat. The first is
 * shown at once, the other absorbed, as is anything that the same channel is told to do within a
 * minute: to prepare the next raid takes longer.
 */
import { z } from 'zod';
import {
	judgeAgainAt,
	type Decision,
	type GatheringRule,
	type PartOf,
	type Whole
} from '../gather.ts';
import type { Viewer } from '../platform.ts';
import type { Notification } from './reading.ts';

const SAME_MS = 60_000;
const REMEMBERED_MS = 10 * 60_000;

const Raid = z.object({ user: z.string(), at: z.number() });

export const raidPart = ({ channel_id, timestamp }: Notification, { id }: Viewer): PartOf => ({
	rule: 'raids',
	channel_id,
	about: { user: id, at: Date.parse(timestamp) }
});

export const raids: GatheringRule = {
	name: 'raids',
	decide({ waiting, memory }, now): Decision {
		const drafts: Decision['drafts'][number][] = [];
		const done: { part: number; event: Whole }[] = [];
		const lately = memory.filter(({ until }) => until > now.getTime());
		for (const { id, about, draft } of waiting) {
			const raid = Raid.safeParse(about).data;
			const known = lately.find(({ what }) => {
				const other = Raid.safeParse(what).data;
				return raid && other?.user === raid.user && Math.abs(other.at - raid.at) <= SAME_MS;
			});
			const event: Whole = known?.event ?? { draft: drafts.push(draft) - 1 };
			done.push({ part: id, event });
			if (known === undefined)
				lately.push({ event, until: now.getTime() + REMEMBERED_MS, what: about });
		}
		return { drafts, done, memory: lately, due_at: judgeAgainAt([], lately) };
	}
};
