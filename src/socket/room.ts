/** How many sockets and streams one user may have on this server. */

import type { SocketPorts } from './memberships.ts';
import type { SocketSettings } from './settings.ts';

/** Whether a user may have one more. */
export function hasRoom({ audience, settings }: Pick<SocketPorts, 'audience' | 'settings'>, userId: string): boolean {
    const most = settings.wsMaxConnectionsPerUser;
    return most === null || audience.countOf(userId) < most;
}

/** When who finds none may try again: nobody knows when one of theirs ends. */
export const NO_ROOM_RETRY_MS = 5000;

/** What who finds none is told. */
export function noRoomMessage({ wsMaxConnectionsPerUser }: SocketSettings): string {
    return `expected at most ${wsMaxConnectionsPerUser} connections of one user, got one more`;
}
