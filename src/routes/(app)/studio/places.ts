/** Where one can go in the studio. */
import ChartColumn from '@lucide/svelte/icons/chart-column';
import Clapperboard from '@lucide/svelte/icons/clapperboard';
import Box from '@lucide/svelte/icons/box';
import FileClock from '@lucide/svelte/icons/file-clock';
import KeyRound from '@lucide/svelte/icons/key-round';
import Layers from '@lucide/svelte/icons/layers';
import ListChecks from '@lucide/svelte/icons/list-checks';
import Plug from '@lucide/svelte/icons/plug';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Users from '@lucide/svelte/icons/users';
import UsersRound from '@lucide/svelte/icons/users-round';
import type { TextKey } from '$lib/i18n/text.ts';

export interface Place {
	href: string;
	key: Extract<TextKey, `nav.${string}`>;
	Icon: typeof Plug;
	/** Not under the thumb: on a phone the menu leads there. */
	seldom?: boolean;
}

export const places: readonly Place[] = [
	{ href: '/studio', key: 'nav.live', Icon: Clapperboard },
	{ href: '/studio/events', key: 'nav.events', Icon: ScrollText },
	{ href: '/studio/viewers', key: 'nav.viewers', Icon: Users },
	{ href: '/studio/overlays', key: 'nav.overlays', Icon: Layers },
	{ href: '/studio/connections', key: 'nav.connections', Icon: Plug },
	{ href: '/studio/analytics', key: 'nav.analytics', Icon: ChartColumn, seldom: true },
	{ href: '/studio/people', key: 'nav.people', Icon: UsersRound, seldom: true },
	{ href: '/studio/keys', key: 'nav.keys', Icon: KeyRound, seldom: true },
	{ href: '/studio/audit', key: 'nav.audit', Icon: FileClock, seldom: true },
	{ href: '/studio/tasks', key: 'nav.tasks', Icon: ListChecks, seldom: true },
	{ href: '/studio/account', key: 'nav.account', Icon: Box, seldom: true }
];
