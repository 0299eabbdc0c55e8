/** Rights that are lost in the example's tables, on two servers: in stream order, for that user, on that topic. */

import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { MOBILE, seededTask, USERS, WAREHOUSE, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';
import { seqsOf, unbroken, wordsOf } from './revocations.ts';

const OPERATIONS = '00000000-0000-4000-8000-000000000203';
const STOREFRONT = '00000000-0000-4000-8000-000000000205';
const [ACME, GLOBEX] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
const [ON_WEBSITE, ON_MOBILE, ON_OPERATIONS, ON_WAREHOUSE, ON_STOREFRONT] = [
    WEBSITE,
    MOBILE,
    OPERATIONS,
    WAREHOUSE,
    STOREFRONT,
].map((id) => `project:${id}`) as [string, string, string, string, string];

let database: TestDatabase;
let sql: Sql;
let a: TestServer;
let b: TestServer;
beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    a = await startTestServer(database.url);
    b = await startTestServer(database.url);
});
afterEach(closeSockets);
afterAll(async () => {
    await a.stop();
    await b.stop();
    await database.close();
});

/** Sockets on both servers for each of these users. */
async function readersOf(topic: string, ...handles: (keyof typeof USERS)[]) {
    const entries = await Promise.all(
        handles.flatMap((handle) => [
            a.join(USERS[handle], topic).then((reader) => [`${handle} on a`, reader] as const),
            b.join(USERS[handle], topic).then((reader) => [`${handle} on b`, reader] as const),
        ]),
    );
    return Object.fromEntries(entries);
}

/** The same words for a user on both servers. */
function onBoth(words: Readonly<Record<string, readonly string[]>>) {
    return Object.fromEntries(
        Object.entries(words).flatMap(([handle, said]) => [
            [`${handle} on a`, said],
            [`${handle} on b`, said],
        ]),
    );
}

const REVOKED = ['unsubscribed revoked'];
const DELETED = ['unsubscribed deleted'];

describe('a member who is removed', () => {
    const path = `/projects/${WEBSITE}/members/${USERS.eve}`;

    test('by REST, gets nothing of it and of what follows, on any server; the others get it all', async () => {
        const readers = await readersOf(ON_WEBSITE, 'bob', 'eve');
        const words = await wordsOf(sql, ON_WEBSITE, readers, async () => {
            expect((await a.call(USERS.bob, 'DELETE', path)).status).toBe(204);
            await b.call(USERS.bob, 'PATCH', `/tasks/${seededTask(1, 1)}`, { body: { title: 'Not for eve' } });
        });
        expect(words).toEqual(onBoth({ bob: ['member.removed', 'task.updated'], eve: REVOKED }));
        const onEve = readers['eve on b']?.frames.find(({ event }) => event === 'project.left');
        expect(onEve).toMatchObject({ topic: `user:${USERS.eve}`, data: { projectId: WEBSITE } });
        const eve = await b.join(USERS.eve);
        eve.send({ type: 'subscribe', topic: ON_WEBSITE });
        expect(await eve.next()).toMatchObject({ type: 'error', code: 'forbidden' });
    });

    test('and added again, reads everything', async () => {
        await a.call(USERS.bob, 'PUT', path, { body: { role: 'editor' } });
        const readers = await readersOf(ON_WEBSITE, 'eve');
        const words = await wordsOf(sql, ON_WEBSITE, readers, () =>
            a.call(USERS.bob, 'PUT', path, { body: { role: 'viewer' } }),
        );
        expect(words).toEqual(onBoth({ eve: ['member.updated'] }));
    });

    test('by SQL, and added again in the same transaction, misses nothing and is not thrown out', async () => {
        const readers = await readersOf(ON_WEBSITE, 'eve', 'bob');
        const words = await wordsOf(sql, ON_WEBSITE, readers, () =>
            sql.begin(async (tx) => {
                await tx`delete from app.project_members where project_id = ${WEBSITE} and user_id = ${USERS.eve}`;
                await tx`update app.tasks set title = 'In between' where id = ${seededTask(1, 1)}`;
                await tx`insert into app.project_members values (${WEBSITE}, ${USERS.eve}, 'viewer')`;
            }),
        );
        const all = ['member.removed', 'task.updated', 'member.added'];
        expect(words).toEqual(onBoth({ eve: all, bob: all }));
        for (const reader of Object.values(readers)) {
            const seqs = seqsOf(reader, ON_WEBSITE);
            expect(seqs).toEqual(unbroken(seqs));
        }
    });

    test('gets nothing of a transaction that wrote before and is committed after', async () => {
        const readers = await readersOf(ON_WEBSITE, 'eve', 'bob');
        const slow = await sql.reserve();
        await slow`begin`;
        await slow`update app.tasks set title = 'Written early' where id = ${seededTask(1, 2)}`;
        const words = await wordsOf(sql, ON_WEBSITE, readers, async () => {
            await sql`delete from app.project_members where project_id = ${WEBSITE} and user_id = ${USERS.eve}`;
            await slow`commit`;
        });
        slow.release();
        expect(words['eve on a']).toEqual(REVOKED);
        expect(words['eve on b']).toEqual(REVOKED);
        expect([...(words['bob on a'] ?? [])].sort()).toEqual(['member.removed', 'task.updated']);
        await sql`insert into app.project_members values (${WEBSITE}, ${USERS.eve}, 'viewer')`;
    });

    test('loses that project alone', async () => {
        const dee = await a.join(USERS.dee, ON_WEBSITE, ON_OPERATIONS);
        const words = await wordsOf(sql, ON_OPERATIONS, { dee }, async () => {
            await sql`delete from app.project_members where project_id = ${WEBSITE} and user_id = ${USERS.dee}`;
            await sql`update app.tasks set title = 'Still mine' where id = ${seededTask(3, 1)}`;
        });
        expect(words).toEqual({ dee: ['task.updated'] });
        expect(dee.frames.find(({ type }) => type === 'unsubscribed')).toEqual({
            type: 'unsubscribed',
            topic: ON_WEBSITE,
            reason: 'revoked',
        });
    });
});

test('an admin who loses the role loses what only admins may read', async () => {
    const readers = await readersOf(ON_WAREHOUSE, 'gus', 'hal');
    const words = await wordsOf(sql, ON_WAREHOUSE, readers, async () => {
        await sql`update app.users set organisation_role = 'member' where id = ${USERS.gus}`;
        await sql`update app.tasks set title = 'For members' where id = ${seededTask(4, 1)}`;
    });
    expect(words).toEqual(onBoth({ gus: REVOKED, hal: ['task.updated'] }));
    await sql`update app.users set organisation_role = 'admin' where id = ${USERS.gus}`;
});

test('a user who goes to another organisation loses all of the old one’s, whatever their rows say', async () => {
    const jon = await b.join(USERS.jon, ON_WAREHOUSE, ON_STOREFRONT);
    const words = await wordsOf(sql, ON_WAREHOUSE, { jon }, async () => {
        await sql`update app.users set organisation_id = ${ACME} where id = ${USERS.jon}`;
        await sql`update app.tasks set title = 'Not for jon' where project_id = ${WAREHOUSE}`;
        await sql`update app.tasks set title = 'Not for jon' where project_id = ${STOREFRONT}`;
    });
    expect(words).toEqual({ jon: REVOKED });
    const onStorefront = jon.frames.filter((frame) => frame['topic'] === ON_STOREFRONT).slice(1);
    expect(onStorefront).toEqual([{ type: 'unsubscribed', topic: ON_STOREFRONT, reason: 'revoked' }]);
    const again = await b.join(USERS.jon);
    await sql`update app.users set organisation_id = ${GLOBEX} where id = ${USERS.jon}`;
    again.send({ type: 'subscribe', topic: ON_STOREFRONT });
    expect(await again.next({ topic: ON_STOREFRONT })).toMatchObject({ type: 'subscribed' });
});

test('a project that goes to another organisation is lost to the old one', async () => {
    const readers = await readersOf(ON_STOREFRONT, 'ivy');
    const words = await wordsOf(
        sql,
        ON_STOREFRONT,
        readers,
        () => sql`update app.projects set organisation_id = ${ACME} where id = ${STOREFRONT}`,
    );
    expect(words).toEqual(onBoth({ ivy: REVOKED }));
    await sql`update app.projects set organisation_id = ${GLOBEX} where id = ${STOREFRONT}`;
});

test('a task that is moved takes no rights along: both projects are told as before', async () => {
    const bob = await a.join(USERS.bob, ON_WEBSITE, ON_MOBILE);
    const move = () => sql`update app.tasks set project_id = ${MOBILE} where id = ${seededTask(1, 9)}`;
    expect(await wordsOf(sql, ON_WEBSITE, { bob }, move)).toEqual({ bob: ['task.deleted'] });
    expect(bob.frames.find(({ event }) => event === 'task.created')).toMatchObject({ topic: ON_MOBILE });
});

test('a project that is deleted: its readers are told so in place of what follows, its members also on their own topic', async () => {
    const readers = await readersOf(ON_MOBILE, 'ada', 'cyd', 'fay');
    const words = await wordsOf(sql, ON_MOBILE, readers, () => a.call(USERS.cyd, 'DELETE', `/projects/${MOBILE}`));
    expect(words).toEqual(onBoth({ ada: DELETED, cyd: DELETED, fay: DELETED }));
    const left = Object.values(readers).map(
        (reader) => reader.frames.filter(({ event }) => event === 'project.left').length,
    );
    expect(left).toEqual([0, 0, 1, 1, 1, 1]);
});

test('a user who is deleted reads no project any more', async () => {
    const readers = await readersOf(ON_OPERATIONS, 'bob', 'eve');
    const words = await wordsOf(sql, ON_OPERATIONS, readers, () => sql`delete from app.users where id = ${USERS.bob}`);
    expect(words['bob on a']).toEqual(REVOKED);
    expect(words['bob on b']).toEqual(REVOKED);
    expect(words['eve on a']).toContain('member.removed');
});

test('disconnect ends the user’s sockets on every server with 4403; they may come back', async () => {
    const readers = await readersOf(ON_OPERATIONS, 'eve', 'dee');
    await sql`select tidings.disconnect(${USERS.eve})`;
    for (const reader of [readers['eve on a'], readers['eve on b']]) {
        expect(await reader?.ended(10_000)).toEqual({ code: 4403, reason: 'forbidden' });
        expect(reader?.frames.at(-1)).toMatchObject({ type: 'error', code: 'forbidden' });
    }
    const { 'dee on a': dee = await a.join(USERS.dee), ...rest } = readers;
    const { 'dee on b': other = await b.join(USERS.dee) } = rest;
    const words = await wordsOf(
        sql,
        ON_OPERATIONS,
        { dee, other },
        () => sql`update app.tasks set title = 'Goes on' where id = ${seededTask(3, 2)}`,
    );
    expect(words).toEqual({ dee: ['task.updated'], other: ['task.updated'] });
    const back = await a.join(USERS.eve, ON_OPERATIONS);
    expect(await wordsOf(sql, ON_OPERATIONS, { back }, async () => undefined)).toEqual({ back: [] });
});

describe('a table that is emptied', () => {
    test('of members: they lose their projects, admins do not', async () => {
        const readers = await readersOf(ON_OPERATIONS, 'ada', 'eve');
        const words = await wordsOf(sql, ON_OPERATIONS, readers, () => sql`truncate app.project_members`);
        expect(words['eve on a']).toEqual(REVOKED);
        expect(words['eve on b']).toEqual(REVOKED);
        expect(words['ada on a']).not.toContain('unsubscribed revoked');
    });

    test('of projects: who still read one is told that it is deleted', async () => {
        const readers = await readersOf(ON_OPERATIONS, 'ada');
        const words = await wordsOf(sql, ON_OPERATIONS, readers, () => sql`truncate app.projects cascade`);
        expect(words).toEqual(onBoth({ ada: DELETED }));
    });
});
