/** Every action there is. A new one is one entry in a group's list, or one group here. */
import type { Action } from './define.ts';
import { connectionActions } from './connections.ts';
import { eventActions } from './events.ts';
import { keyActions } from './keys.ts';
import { meActions } from './me.ts';
import { overlayActions } from './overlays.ts';
import { overlayPageActions } from './overlay-page.ts';
import { platformActions } from './platforms.ts';
import { queueActions } from './queue.ts';
import { setupActions } from './setup.ts';
import { streamActions } from './streams.ts';
import { taskActions } from './tasks.ts';
import { viewerActions } from './viewers.ts';

export const actions: readonly Action[] = [
	...eventActions,
	...queueActions,
	...overlayActions,
	...keyActions,
	...connectionActions,
	...platformActions,
	...meActions,
	...setupActions,
	...overlayPageActions,
	...streamActions,
	...taskActions,
	...viewerActions
];
