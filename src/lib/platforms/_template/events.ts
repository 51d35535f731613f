/** The event types that the platform brings: the shape of `data`, and how each is shown by default. */
import { z } from 'zod';
import { defineEventType, Viewer } from '../platform.ts';

export const follower = defineEventType({
	type: 'template:follower',
	class: 'animated',
	title: 'Follow',
	description: 'A viewer followed the channel.',
	duration_ms: 5_000,
	priority: 'normal',
	data: z.object({ user: Viewer }),
	sample: { user: { id: '2001', login: 'ann', name: 'Ann', picture: null } }
});

export const eventTypes = [follower];
