/** The inbox as sockets show it: the entry and the counts with every event, the same on every screen of its user, and on no other. */

import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { seededTask, USERS, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { closeEventSources, type EventSource, openEventSource } from '../support/event-source.ts';
import { startTestServer, type TestServer, tokenFor } from '../support/server.ts';
import { closeSockets, type Frame, type SocketClient } from '../support/socket-client.ts';

const ON_WEBSITE = `project:${WEBSITE}`;

let database: TestDatabase;
let sql: Sql;
let one: TestServer;
let other: TestServer;
beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    await sql`select app.notify_due_tasks(), tidings.mark_all_read(u.id::text) from app.users u`;
    one = await startTestServer(database.url);
    other = await startTestServer(database.url);
});
afterEach(async () => {
    closeEventSources();
    await closeSockets();
});
afterAll(async () => {
    await one.stop();
    await other.stop();
    await database.close();
});

/** What shows a bell. */
type Screen = Pick<SocketClient | EventSource, 'next'>;

type Bell = { readonly notification: Frame | null; readonly counts: { unread: number; unseen: number } };

/** Tells a user something, as a service does; gives the entry's id. */
async function tell(user: string, payload: object = {}, group: string | null = null): Promise<string> {
    await sql`
        select tidings.send_notification(array[${user}], 'test.told', ${JSON.stringify(payload)}::text::jsonb, group_key => ${group})`;
    const [row] = await sql<{ id: string }[]>`
        select n.id from tidings.notification n where n.user_id = ${user} order by n.created_at desc, n.id desc limit 1`;
    return row?.id ?? '';
}

async function listen(user: string, at = one): Promise<EventSource> {
    const source = await openEventSource(at.url, `/stream?topic=user:${user}`, { token: await tokenFor(user) });
    await source.next({ type: 'subscribed' });
    return source;
}

/** The next event of the inbox on each screen: on all of them the same. */
async function shown(screens: readonly Screen[], event: string): Promise<Bell> {
    const frames = await Promise.all(screens.map((screen) => screen.next({ type: 'event' })));
    for (const frame of frames) expect(frame).toEqual(frames[0]);
    expect(frames[0]?.['event']).toBe(event);
    return frames[0]?.['data'] as Bell;
}

/** What REST says now. */
async function asked(user: string, query = ''): Promise<{ items: readonly Frame[]; counts: Frame }> {
    const list = await other.call(user, 'GET', `/notifications${query}`);
    const counts = await one.call(user, 'GET', '/notifications/counts');
    return { items: list.body['items'] as Frame[], counts: counts.body };
}

/** The data of the inbox events a socket has got since a frame. */
function bellsOf(socket: SocketClient, from = 0): readonly Bell[] {
    const events = socket.frames.slice(from).filter((frame) => String(frame['event']).startsWith('notification.'));
    return events.map((frame) => frame['data'] as Bell);
}

describe('notification.created', () => {
    test('carries the entry and the counts as REST shows them, whatever else is subscribed', async () => {
        const screens = [await one.join(USERS.bob), await other.join(USERS.bob, ON_WEBSITE), await listen(USERS.bob)];
        const assigned = { body: { assigneeId: USERS.bob } };
        const reply = await one.call(USERS.cyd, 'PATCH', `/tasks/${seededTask(1, 1)}`, assigned);
        expect(reply.status).toBe(200);
        const frame = await screens[0]?.next({ type: 'event' });
        const { items, counts } = await asked(USERS.bob);
        expect(frame).toEqual({
            type: 'event',
            topic: `user:${USERS.bob}`,
            seq: expect.any(Number),
            event: 'notification.created',
            id: expect.any(String),
            at: items[0]?.['createdAt'],
            actorId: USERS.cyd,
            data: { notification: items[0], counts },
            requestId: reply.headers.get('x-request-id'),
            traceparent: reply.headers.get('traceparent'),
        });
        expect(items[0]).toMatchObject({
            type: 'task.assigned',
            title: 'Cyd Castro assigned you Draft the landing page',
        });
        expect(counts).toEqual({ unread: 1, unseen: 1 });
        for (const screen of screens.slice(1)) {
            expect(await screen.next({ type: 'event', topic: `user:${USERS.bob}` })).toEqual(frame);
        }
    });

    test('of a group carries the whole of it, counted as one', async () => {
        const socket = await one.join('ann');
        for (const n of [1, 2, 3]) {
            await tell('ann', { n }, 'g');
            expect(await shown([socket], 'notification.created')).toMatchObject({
                notification: { count: n, payload: { n } },
                counts: { unread: 1, unseen: 1 },
            });
        }
    });

    test('is not sent of what is rolled back, nor of what its reader does not want', async () => {
        const socket = await one.join('abe');
        await sql`select tidings.set_preference('abe', 'test.told', 'inApp', 'off'), tidings.set_preference('abe', 'test.told', 'email', 'off')`;
        await tell('abe');
        await expect(
            sql.begin(async (tx) => {
                await tx`select tidings.send_notification('{abe}', 'test.wanted')`;
                throw new Error('no');
            }),
        ).rejects.toThrow('no');
        await sql`select tidings.send_notification('{abe}', 'test.wanted', '{"n": 2}')`;
        expect(await shown([socket], 'notification.created')).toMatchObject({
            notification: { type: 'test.wanted', payload: { n: 2 } },
            counts: { unread: 1, unseen: 1 },
        });
    });
});

describe('a bell on three screens, of two servers', () => {
    test('agrees at once, whichever of them reads, or a service does', async () => {
        const screens = [await one.join('ben'), await other.join('ben'), await listen('ben')];
        const ids: string[] = [];
        for (const n of [1, 2, 3]) {
            ids.push(await tell('ben', { n }));
            expect((await shown(screens, 'notification.created')).counts).toEqual({ unread: n, unseen: n });
        }
        const steps: readonly [string, () => PromiseLike<unknown>, string | undefined, Frame][] = [
            ['read', () => one.call('ben', 'PATCH', `/notifications/${ids[0]}/read`), ids[0], { unread: 2, unseen: 2 }],
            [
                'unread',
                () => other.call('ben', 'PATCH', `/notifications/${ids[0]}/read`, { body: { read: false } }),
                ids[0],
                { unread: 3, unseen: 2 },
            ],
            [
                'read by a service',
                () => sql`select tidings.mark_read('ben', array[${ids[1] ?? null}]::uuid[])`,
                ids[1],
                { unread: 2, unseen: 1 },
            ],
            [
                'archived',
                () => other.call('ben', 'POST', `/notifications/${ids[2]}/archive`),
                ids[2],
                { unread: 1, unseen: 0 },
            ],
            [
                'back',
                () => one.call('ben', 'DELETE', `/notifications/${ids[2]}/archive`),
                ids[2],
                { unread: 2, unseen: 1 },
            ],
            [
                'snoozed',
                () =>
                    one.call('ben', 'POST', `/notifications/${ids[2]}/snooze`, {
                        body: { until: new Date(Date.now() + 3_600_000).toISOString() },
                    }),
                ids[2],
                { unread: 1, unseen: 0 },
            ],
            [
                'shown',
                () => one.call('ben', 'DELETE', `/notifications/${ids[2]}/snooze`),
                ids[2],
                { unread: 2, unseen: 1 },
            ],
        ];
        for (const [step, act, id, counts] of steps) {
            await act();
            const bell = await shown(screens, 'notification.updated');
            expect([step, bell.notification?.['id'], bell.counts]).toEqual([step, id, counts]);
            const now = await asked(
                'ben',
                step === 'archived' ? '?archived=true' : step === 'snoozed' ? '?snoozed=true' : '',
            );
            expect(bell.notification).toEqual(now.items.find((item) => item['id'] === id));
            expect(bell.counts).toEqual(now.counts);
        }
    });

    test('is told of many at once by one update without an entry', async () => {
        const screens = [await one.join('bea'), await other.join('bea')];
        await sql`select tidings.send_notification('{bea}', 'test.told', jsonb_build_object('n', n)) from generate_series(1, 500) n`;
        for (let n = 1; n <= 500; n += 1) {
            for (const screen of screens) await screen.next({ type: 'event', event: 'notification.created', seq: n });
        }
        expect((await asked('bea')).counts).toEqual({ unread: 500, unseen: 500 });
        const seen = await one.call('bea', 'POST', '/notifications/seen');
        expect(seen.body).toEqual({ updated: 500 });
        expect(await shown(screens, 'notification.updated')).toEqual({
            notification: null,
            counts: { unread: 500, unseen: 0 },
        });
        const read = await other.call('bea', 'POST', '/notifications/read-all');
        expect(read.body).toEqual({ updated: 500 });
        expect(await shown(screens, 'notification.updated')).toEqual({
            notification: null,
            counts: { unread: 0, unseen: 0 },
        });
        // That was all.
        await tell('bea');
        expect((await shown(screens, 'notification.created')).counts).toEqual({ unread: 1, unseen: 1 });
        expect(screens.map((screen) => bellsOf(screen).length)).toEqual([503, 503]);
    });

    test('ends up right, with every event in its place, when all write at once', async () => {
        const screens = [await one.join('bo'), await other.join('bo')];
        const ids = await Promise.all(
            Array.from({ length: 20 }, (_, n) => tell('bo', { n }, n % 2 === 0 ? 'g' : null)),
        );
        await Promise.all([
            ...Array.from({ length: 20 }, (_, n) => tell('bo', { n }, n % 4 === 0 ? 'g' : null)),
            ...ids.map((id) => one.call('bo', 'PATCH', `/notifications/${id}/read`)),
            ...Array.from({ length: 20 }, () => sql`select tidings.emit('user:bo', 'test.said')`),
            other.call('bo', 'POST', '/notifications/seen'),
        ]);
        await sql`select tidings.emit('user:bo', 'test.marker')`;
        const { counts } = await asked('bo');
        for (const screen of screens) {
            const last = await screen.next({ event: 'test.marker' });
            const seqs = screen.frames.filter(({ type }) => type === 'event').map(({ seq }) => seq);
            expect(seqs).toEqual(Array.from({ length: Number(last['seq']) }, (_, n) => n + 1));
            expect(bellsOf(screen).at(-1)?.counts).toEqual(counts);
        }
    });
});

describe('what was missed', () => {
    const counted = (bells: readonly Bell[]) => bells.map(({ counts }) => counts.unread);

    test('comes from memory as it was sent to others, and from the log as it is by then', async () => {
        const gone = await one.join('cat');
        await tell('cat', { n: 0 });
        const { seq } = await gone.next({ event: 'notification.created' });
        const [topic] = (gone.frames[0]?.['topics'] ?? []) as readonly Frame[];
        await gone.close();
        const stays = await one.join('cat');
        const id = await tell('cat', { n: 1 });
        await shown([stays], 'notification.created');
        await tell('cat', { n: 2 });
        await shown([stays], 'notification.created');
        await sql`select tidings.mark_read('cat', array[${id}]::uuid[])`;
        await shown([stays], 'notification.updated');
        await sql`select tidings.emit('user:cat', 'test.marker')`;
        await stays.next({ event: 'test.marker' });
        const live = bellsOf(stays);
        expect(live).toHaveLength(3);

        const resume = async (server: TestServer): Promise<readonly Bell[]> => {
            const back = await server.join('cat');
            const from = back.frames.length;
            back.send({ type: 'subscribe', topic: 'user:cat', since: seq, epoch: topic?.['epoch'] });
            await back.next({ type: 'subscribed', outcome: 'resumed' });
            await back.next({ event: 'test.marker' });
            return bellsOf(back, from);
        };
        expect(await resume(one)).toEqual(live);
        const { items, counts } = await asked('cat');
        const [second, first] = items;
        expect(await resume(other)).toEqual([
            { notification: first, counts },
            { notification: second, counts },
            { notification: first, counts },
        ]);
        expect(counted(live)).toEqual([2, 3, 2]);
        expect(counts).toEqual({ unread: 2, unseen: 2 });
    });

    test('comes by SSE and by paging, too', async () => {
        const source = await listen('col');
        await sql`select tidings.emit('user:col', 'test.marker')`;
        await source.next({ event: 'test.marker' });
        source.close();
        await tell('col', { n: 1 });
        const again = await openEventSource(other.url, '/stream?topic=user:col', {
            token: await tokenFor('col'),
            lastEventId: source.lastEventId,
        });
        const { items, counts } = await asked('col');
        const wanted = { notification: items[0], counts };
        expect((await again.next({ type: 'event' }))['data']).toEqual(wanted);
        const { epoch } = (await one.call('col', 'GET', '/topics/user:col/events?wait=0')).body;
        const page = await one.call('col', 'GET', `/topics/user:col/events?since=1&epoch=${epoch}`);
        expect((page.body['items'] as Frame[]).map(({ data }) => data)).toEqual([wanted]);
    });

    test('of an entry that is gone says so, with the counts', async () => {
        const gone = await one.join('cyn');
        await tell('cyn');
        const { seq } = await gone.next({ event: 'notification.created' });
        const [topic] = (gone.frames[0]?.['topics'] ?? []) as readonly Frame[];
        await gone.close();
        await tell('cyn');
        await sql`delete from tidings.notification where user_id = 'cyn'`;
        const back = await other.join('cyn');
        back.send({ type: 'subscribe', topic: 'user:cyn', since: seq, epoch: topic?.['epoch'] });
        expect((await back.next({ event: 'notification.created' }))['data']).toEqual({
            notification: null,
            counts: { unread: 0, unseen: 0 },
        });
    });
});

test('nobody else gets any of it', async () => {
    const [dot, eve] = [await one.join('dot'), await one.join('eve')];
    eve.send({ type: 'subscribe', topic: 'user:dot', ref: 'x' });
    expect(await eve.next()).toMatchObject({ type: 'error', code: 'forbidden', topic: 'user:dot' });
    const stream = await openEventSource(one.url, '/stream?topic=user:dot', { token: await tokenFor('eve') });
    const page = await one.call('eve', 'GET', '/topics/user:dot/events?wait=0');
    expect(await stream.next()).toMatchObject({ type: 'error', code: 'forbidden', topic: 'user:dot' });
    expect(page).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const id = await tell('dot', { secret: true });
    await shown([dot], 'notification.created');
    // Whoever says so on a topic of their own is not believed.
    await sql`select tidings.emit('user:eve', 'notification.updated', jsonb_build_object('id', ${id}::text))`;
    expect((await eve.next())['data']).toEqual({ notification: null, counts: { unread: 0, unseen: 0 } });
    expect(stream.messages).toHaveLength(1);
});

test('an event of that name that is not the engine’s goes out as it was emitted, also later', async () => {
    const socket = await one.join('flo');
    const data = [{ id: '9' }, { text: 'x' }, { id: null, more: 1 }];
    for (const each of data) {
        await sql`select tidings.emit('user:flo', 'notification.created', ${JSON.stringify(each)}::text::jsonb)`;
        expect((await socket.next({ type: 'event' }))['data']).toEqual(each);
    }
    const { epoch } = (await one.call('flo', 'GET', '/topics/user:flo/events?wait=0')).body;
    const page = await other.call('flo', 'GET', `/topics/user:flo/events?since=0&epoch=${epoch}`);
    expect((page.body['items'] as Frame[]).map((frame) => frame['data'])).toEqual(data);
});

test('an inbox that cannot be read holds up its own events only, and none is lost', async () => {
    const socket = await one.join(USERS.cyd, ON_WEBSITE);
    const id = await tell(USERS.cyd);
    await socket.next({ event: 'notification.created' });
    const holder = await sql.reserve();
    await holder`begin`;
    await holder`lock table tidings.notification in access exclusive mode`;
    await sql`select tidings.emit(${`user:${USERS.cyd}`}, 'notification.updated', jsonb_build_object('id', ${id}::text))`;
    await sql`select tidings.emit(${`user:${USERS.cyd}`}, 'test.after')`;
    await sql`select tidings.emit(${ON_WEBSITE}, 'test.marker')`;
    expect(await socket.next({ type: 'event' })).toMatchObject({ topic: ON_WEBSITE, event: 'test.marker' });
    await holder`commit`;
    holder.release();
    expect(await socket.next({ type: 'event' })).toMatchObject({
        event: 'notification.updated',
        data: { notification: { id }, counts: (await asked(USERS.cyd)).counts },
    });
    expect(await socket.next({ type: 'event' })).toMatchObject({ event: 'test.after' });
});
