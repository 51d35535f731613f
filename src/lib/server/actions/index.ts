/** Every action there is. A new one is one entry in a group's list, or one group here. */
import { accountActions } from './account.ts';
import { accountsActions } from './accounts.ts';
import { analyticsActions } from './analytics.ts';
import { auditActions } from './audit.ts';
import type { Action } from './define.ts';
import { connectionActions } from './connections.ts';
import { eventTemplateActions } from './event-templates.ts';
import { eventTypeActions } from './event-types.ts';
import { eventExportActions } from './event-export.ts';
import { eventActions } from './events.ts';
import { invitationActions } from './invitations.ts';
import { keyActions } from './keys.ts';
import { meActions } from './me.ts';
import { memberActions } from './members.ts';
import { overlayActions } from './overlays.ts';
import { overlayPageActions } from './overlay-page.ts';
import { pairingActions } from './pairings.ts';
import { platformActions } from './platforms.ts';
import { queueActions } from './queue.ts';
import { sessionActions } from './sessions.ts';
import { setupActions } from './setup.ts';
import { sourceActions } from './sources.ts';
import { streamActions } from './streams.ts';
import { subscriptionActions } from './subscriptions.ts';
import { taskActions } from './tasks.ts';
import { viewerActions } from './viewers.ts';
import { channelStatusActions } from './channel-status.ts';
import { spotifyActions } from './spotify.ts';

export const actions: readonly Action[] = [
	...eventActions,
	...eventExportActions,
	...eventTypeActions,
	...eventTemplateActions,
	...subscriptionActions,
	...analyticsActions,
	...queueActions,
	...overlayActions,
	...keyActions,
	...pairingActions,
	...memberActions,
	...invitationActions,
	...accountsActions,
	...sessionActions,
	...auditActions,
	...accountActions,
	...connectionActions,
	...sourceActions,
	...platformActions,
	...meActions,
	...setupActions,
	...overlayPageActions,
	...streamActions,
	...taskActions,
	...viewerActions,
	...channelStatusActions,
	...spotifyActions
];
