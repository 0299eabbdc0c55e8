/** How a connection comes to speak for a user: its token, its user's own topic, the welcome. */

import { type Identity, UNAUTHORIZED_MESSAGE } from '../auth/index.ts';
import { CLOSE, echo } from '../protocol/index.ts';
import type { Credentials, Verdict } from './credentials.ts';
import type { Line } from './line.ts';
import type { Memberships } from './memberships.ts';
import { NO_ROOM_RETRY_MS, noRoomMessage } from './room.ts';
import type { SocketSettings } from './settings.ts';

/** A token as it came: where it stood, and the ref of the message it came in. */
export type Presented = { readonly token: string; readonly where: string; readonly ref: string | null };

/** What admission works with. */
export type AdmissionPorts = {
    readonly connection: string;
    readonly line: Line;
    readonly credentials: Credentials;
    readonly settings: SocketSettings;
    /** Whether the connection has ended meanwhile. */
    readonly hasEnded: () => boolean;
    /** Whether its user may have one connection more. */
    readonly hasRoom: (identity: Identity) => boolean;
    /** The token is good: from now on the user's topics can be joined. */
    readonly onIdentified: (identity: Identity) => Memberships;
};

/** Keys come back, sooner or later. */
const RETRY_MS = 1000;
const UNCHECKED = 'expected to be able to check the token, got a failure: try again';

/** Resolves with true once the welcome is said, with false if the connection was turned away or has ended. */
export async function admit(presented: Presented, ports: AdmissionPorts): Promise<boolean> {
    const { credentials, hasEnded, hasRoom, line, onIdentified, settings } = ports;
    const verdict = await credentials.present(presented.token, presented.where);
    if (hasEnded()) return false;
    if (typeof verdict === 'string') {
        turnAway(verdict, presented.ref, line);
        return false;
    }
    if (!hasRoom(verdict.identity)) {
        const { ref } = presented;
        line.fail('rate_limited', noRoomMessage(settings), CLOSE.rateLimited, { ref, retryAfterMs: NO_ROOM_RETRY_MS });
        return false;
    }
    const memberships = onIdentified(verdict.identity);
    const joined = await memberships.join(memberships.ownTopic, null)();
    if (hasEnded()) return false;
    if (!joined.ok) {
        loseOwnTopic(line);
        return false;
    }
    const { seq, epoch } = joined.answer;
    welcome(verdict.identity, { topic: memberships.ownTopic, seq, epoch }, presented.ref, ports);
    joined.subscription.advance();
    return true;
}

/** A new token on a connection that has been admitted. */
export async function renew(token: string, ref: string | null, credentials: Credentials, line: Line): Promise<void> {
    const verdict = await credentials.present(token, 'message');
    if (verdict === 'refused') turnAway(verdict, ref, line);
    else if (verdict === 'unknown') line.say({ type: 'error', code: 'internal', message: UNCHECKED, ...echo(ref) });
    else line.say({ type: 'authenticated', expiresAt: isoOf(verdict.identity), ...echo(ref) });
}

/** A connection without its user's topic is of no use: the client comes back for it. */
export function loseOwnTopic(line: Line): void {
    line.fail('internal', 'expected your user topic to be joined, got a failure: try again', CLOSE.tryAgainLater);
}

function turnAway(verdict: Verdict & string, ref: string | null, line: Line): void {
    if (verdict === 'refused') line.fail('unauthorized', UNAUTHORIZED_MESSAGE, CLOSE.unauthorized, { ref });
    else line.fail('internal', UNCHECKED, CLOSE.tryAgainLater, { ref, retryAfterMs: RETRY_MS });
}

function welcome(
    identity: Identity,
    own: { readonly topic: string; readonly seq: number; readonly epoch: string },
    ref: string | null,
    { connection, line, settings }: AdmissionPorts,
): void {
    const { heartbeatMs, wsMaxMessageBytes, wsMaxSubscriptions, replayLimit } = settings;
    line.say({
        type: 'welcome',
        connection,
        userId: identity.userId,
        expiresAt: isoOf(identity),
        heartbeatMs,
        limits: { messageBytes: wsMaxMessageBytes, subscriptions: wsMaxSubscriptions, replay: replayLimit },
        topics: [own],
        ...echo(ref),
    });
}

function isoOf({ expiresAtMs }: Identity): string {
    return new Date(expiresAtMs).toISOString();
}
