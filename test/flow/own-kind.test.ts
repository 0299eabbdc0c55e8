/** A topic kind of a DBA's own: rights the engine knows nothing of, told by `tidings.access_changed`. */

import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';
import { wordsOf } from './revocations.ts';

let database: TestDatabase;
let sql: Sql;
let servers: readonly [TestServer, TestServer];
beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql.unsafe(`
        create schema shop;
        create table shop.share (room_id bigint, user_id text, primary key (room_id, user_id));
        create table shop.message (id bigint primary key, room_id bigint, body text);
        create function shop.can_read_room(user_id text, room bigint) returns boolean language sql stable
            return exists (select from shop.share s where s.room_id = room and s.user_id = can_read_room.user_id);
        grant usage on schema shop to tidings_server;
        grant select on shop.share to tidings_server;
        select tidings.topic_kind('room', 'shop.can_read_room(text, bigint)');
        select tidings.track('shop.message', entity => 'message', topic => $$'room:' || r.room_id$$);
        insert into shop.share values (1, 'zoe'), (2, 'zoe'), (1, 'yan')`);
    const env = { EXAMPLE: 'false' };
    servers = [await startTestServer(database.url, { env }), await startTestServer(database.url, { env })];
});
afterEach(closeSockets);
afterAll(async () => {
    for (const server of servers) await server.stop();
    await database.close();
});

/** A socket on each server. */
async function readers(user: string, topic: string) {
    return { one: await servers[0].join(user, topic), two: await servers[1].join(user, topic) };
}

function share(room: number, user: string): PromiseLike<unknown> {
    return sql`insert into shop.share values (${room}, ${user}) on conflict do nothing`;
}

test('without the verb nothing is checked again: the engine can not know', async () => {
    const words = await wordsOf(sql, 'room:1', await readers('zoe', 'room:1'), async () => {
        await sql`delete from shop.share where room_id = 1 and user_id = 'zoe'`;
        await sql`insert into shop.message values (1, 1, 'hello')`;
    });
    expect(words).toEqual({ one: ['message.created'], two: ['message.created'] });
    await share(1, 'zoe');
});

test('with it, nothing of its transaction and of what follows comes through, wherever in the transaction it is called', async () => {
    const words = await wordsOf(sql, 'room:1', await readers('zoe', 'room:1'), async () => {
        await sql`insert into shop.message values (2, 1, 'before')`;
        await sql.begin(async (tx) => {
            await tx`insert into shop.message values (3, 1, 'zoe will be removed')`;
            await tx`delete from shop.share where room_id = 1 and user_id = 'zoe'`;
            await tx`select tidings.access_changed('zoe', 'room:1')`;
        });
        await sql`insert into shop.message values (4, 1, 'after')`;
    });
    const end = ['message.created', 'unsubscribed revoked'];
    expect(words).toEqual({ one: end, two: end });
    await share(1, 'zoe');
});

test('for all topics of a user, with a reason', async () => {
    const zoe = await servers[0].join('zoe', 'room:1', 'room:2');
    const yan = await servers[1].join('yan', 'room:1');
    const words = await wordsOf(sql, 'room:1', { zoe, yan }, () =>
        sql.begin(async (tx) => {
            await tx`delete from shop.share where room_id = 1`;
            await tx`select tidings.access_changed('zoe', reason => 'deleted'), tidings.access_changed('yan', 'room:1', 'deleted')`;
        }),
    );
    expect(words).toEqual({ zoe: ['unsubscribed deleted'], yan: ['unsubscribed deleted'] });
    const others = zoe.frames.filter((frame) => frame['topic'] === 'room:2');
    expect(others.map(({ type }) => type)).toEqual(['subscribed']);
    await share(1, 'zoe');
});

test('where nothing has changed costs nobody an event', async () => {
    const words = await wordsOf(sql, 'room:1', await readers('zoe', 'room:1'), async () => {
        for (let n = 10; n < 30; n += 1) {
            await sql`select tidings.access_changed('zoe')`;
            await sql`insert into shop.message values (${n}, 1, 'and on')`;
        }
    });
    const all = Array.from({ length: 20 }, () => 'message.created');
    expect(words).toEqual({ one: all, two: all });
});

test('a function that raises is a right that is gone, for whom it raises', async () => {
    const words = await wordsOf(sql, 'room:1', await readers('zoe', 'room:1'), async () => {
        await sql`
            create or replace function shop.can_read_room(user_id text, room bigint) returns boolean language plpgsql stable
            as $$ begin raise 'closed'; end $$`;
        await sql`select tidings.access_changed('zoe')`;
    });
    expect(words).toEqual({ one: ['unsubscribed revoked'], two: ['unsubscribed revoked'] });
});
