/** Everyone who reads something in this process, by user: whom a change of access, a disconnect or a new epoch concerns. */

import { createHash } from 'node:crypto';
import type { AccessChange } from '../fanout/index.ts';

/** One reader of topics: a socket, or a stream of another kind. Calls come synchronously, at their place in the stream. */
export type Attendee = {
    accessChanged(change: AccessChange): void;
    /** All connections of its user are to end. */
    disconnected(): void;
    epochChanged(): void;
    /** One of the calls above threw: it must not be handed anything from now on. */
    failed(error: unknown): void;
};

/** What is told to all, and who they are. */
export type Audience = {
    enter(userId: string, attendee: Attendee): void;
    leave(userId: string, attendee: Attendee): void;
    /** How many a user has here. */
    countOf(userId: string): number;
    /** The hub's `onAccess`: pauses what the user reads of the topic, here and now, until it has been checked again. */
    accessChanged(change: AccessChange): void;
    /** The hub's `onDisconnect`: ends every connection of the user. */
    disconnect(userId: string): void;
    /** The hub's `userBehind`: who of those here has a pseudonym of db/functions/pseudonym.sql; undefined: nobody. */
    userBehind(pseudonym: string): string | undefined;
    /** The tail's `onEpoch`: every place is asked for again. */
    epochChanged(): void;
};

/** Makes an audience of nobody. `pseudonymKey` is the database's. */
export function createAudience(pseudonymKey: Uint8Array = new Uint8Array()): Audience {
    const byUser = new Map<string, Set<Attendee>>();

    /** One that throws harms no other. */
    function tell(attendees: Iterable<Attendee>, news: (attendee: Attendee) => void): void {
        for (const attendee of [...attendees]) {
            try {
                news(attendee);
            } catch (error) {
                attendee.failed(error);
            }
        }
    }

    function of(userId: string): Iterable<Attendee> {
        return byUser.get(userId) ?? [];
    }

    return {
        enter(userId, attendee) {
            const attendees = byUser.get(userId);
            if (attendees === undefined) byUser.set(userId, new Set([attendee]));
            else attendees.add(attendee);
        },
        leave(userId, attendee) {
            const attendees = byUser.get(userId);
            if (attendees?.delete(attendee) && attendees.size === 0) byUser.delete(userId);
        },
        countOf: (userId) => byUser.get(userId)?.size ?? 0,
        accessChanged: (change) => tell(of(change.userId), (attendee) => attendee.accessChanged(change)),
        disconnect: (userId) => tell(of(userId), (attendee) => attendee.disconnected()),
        userBehind(pseudonym) {
            for (const userId of byUser.keys()) {
                if (createHash('sha256').update(pseudonymKey).update(userId).digest('hex') === pseudonym) return userId;
            }
            return undefined;
        },
        epochChanged() {
            for (const attendees of byUser.values()) tell(attendees, (attendee) => attendee.epochChanged());
        },
    };
}
