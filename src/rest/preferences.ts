/** `/preferences`, `/topics/:topic/mute` and `/topics/:topic/watch`: what the caller wants to be told. */

import { TidingsError } from '../errors.ts';
import type { Resource, RestContext, Transaction } from './api.ts';
import { emptyBody } from './empty-body.ts';
import {
    getPreferences,
    muteTopic,
    type NewPreferences,
    type Preferences,
    putPreferences,
    unmuteTopic,
    unwatchTopic,
    watchTopic,
} from './preference-routes.ts';
import { notFound } from './validation.ts';

/** Registers the routes. */
export const preferences: Resource = (app, rest) => {
    app.openapi(getPreferences, (c) => rest.read(async (tx) => c.json(await preferencesOf(tx, c.var.userId), 200)));

    app.openapi(putPreferences, (c) =>
        rest.write(c, async (tx) => {
            await someBody(c);
            await replacePreferences(tx, c.var.userId, c.req.valid('json'));
            return c.json(await preferencesOf(tx, c.var.userId), 200);
        }),
    );

    const TOPIC_ROUTES = [
        [muteTopic, 'mute', true],
        [unmuteTopic, 'mute', false],
        [watchTopic, 'watch', true],
        [unwatchTopic, 'watch', false],
    ] as const;
    for (const [route, mode, on] of TOPIC_ROUTES) {
        app.openapi(route, (c) =>
            rest.write(c, async (tx) => {
                await emptyBody(c);
                await setTopic(tx, c, c.req.valid('param').topic, mode, on);
                return c.body(null, 204);
            }),
        );
    }
};

/** @throws TidingsError `bad_request` without a body: it would take back all there is, which is said by `{}`. */
async function someBody(c: RestContext): Promise<void> {
    if ((await c.req.text()) !== '') return;
    const message = 'expected a JSON object, got no body';
    throw new TidingsError('bad_request', message, { issues: [{ path: 'body', message }] });
}

async function preferencesOf(tx: Transaction, userId: string): Promise<Preferences> {
    const [row] = await tx<{ preferences: Preferences }[]>`select tidings.preferences_of(${userId}) as preferences`;
    if (row === undefined) throw new TypeError('expected tidings.preferences_of() to answer one row, got none');
    return row.preferences;
}

async function replacePreferences(tx: Transaction, userId: string, wanted: NewPreferences): Promise<void> {
    const { timeZone = null, digestHour = null, digestWeekday = null, quietHours = null } = wanted;
    const [known] = await tx<{ known: boolean | null }[]>`select tidings.is_time_zone(${timeZone}) as known`;
    if (known?.known === false) {
        const message = `expected timeZone to be an IANA name like Europe/Berlin, got ${JSON.stringify(timeZone)}`;
        throw new TidingsError('bad_request', message, { issues: [{ path: 'body.timeZone', message }] });
    }
    // First, as it is one row: another request of this user waits here, and neither meets the other half-way.
    await tx`
        select tidings.set_schedule(
            ${userId}, ${timeZone}, ${digestHour}, ${digestWeekday}, ${quietHours?.from ?? null}::time, ${quietHours?.to ?? null}::time
        )`;
    await tx`select tidings.replace_preferences(${userId}, ${JSON.stringify(wanted.preferences ?? {})}::text::jsonb)`;
}

/** A topic the caller may not read is answered like one that is not there; to take a choice back needs no right. */
async function setTopic(
    tx: Transaction,
    c: RestContext,
    topic: string,
    mode: 'mute' | 'watch',
    on: boolean,
): Promise<void> {
    const { userId } = c.var;
    if (!on) {
        await tx`select tidings.unset_topic_preference(${userId}, ${topic}, ${mode})`;
        return;
    }
    const [row] = await tx<{ may: boolean }[]>`
        select (tidings.may_read(array[${userId}], array[${topic}]))[1] as may`;
    if (row?.may !== true) throw notFound();
    await tx`select tidings.set_topic_preference(${userId}, ${topic}, ${mode})`;
}
