/** Erasing a person whose sockets are open and of whom servers remember: the sockets end, and memory tells nothing any more. */

import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets, type SocketClient } from '../support/socket-client.ts';

const ADA = '00000000-0000-4000-8000-000000000101';
const BOB = '00000000-0000-4000-8000-000000000102';
const TOPIC = 'project:00000000-0000-4000-8000-000000000201';

let database: TestDatabase;
let sql: Sql;
let servers: readonly [TestServer, TestServer];

beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    servers = [await startTestServer(database.url), await startTestServer(database.url)];
});
afterEach(closeSockets);
afterAll(async () => {
    for (const server of servers) await server.stop();
    await database.close();
});

async function placeOf(client: SocketClient, topic: string): Promise<{ since: unknown; epoch: unknown }> {
    client.send({ type: 'subscribe', topic });
    const { seq, epoch } = await client.next({ type: 'subscribed', topic });
    return { since: seq, epoch };
}

test('closes every socket of theirs and nobody else’s, and what is resumed names them no more', async () => {
    const [ada, bob, other] = [
        await servers[0].join(BOB),
        await servers[1].join(BOB),
        await servers[1].join(ADA, TOPIC),
    ];
    const own = await placeOf(ada, `user:${BOB}`);
    const shared = await placeOf(other, TOPIC);
    await sql.begin(async (tx) => {
        await tx`select set_config('tidings.actor', ${BOB}, true)`;
        await tx`select tidings.emit(${TOPIC}, 'note.made', ${JSON.stringify({ by: BOB, text: 'Bob Baker wrote' })}::text::jsonb)`;
    });
    expect(await other.next({ event: 'note.made' })).toMatchObject({ actorId: BOB, data: { by: BOB } });

    await sql`select tidings.forget(${BOB}, array['Bob Baker'])`;
    for (const client of [ada, bob]) expect((await client.ended()).code).toBe(4403);

    other.send({ type: 'subscribe', topic: TOPIC, ...shared });
    await other.next({ type: 'subscribed', topic: TOPIC, outcome: 'resumed' });
    expect(await other.next({ event: 'note.made' })).toMatchObject({
        actorId: null,
        data: { by: null, text: '… wrote' },
    });

    // Whoever comes under that name again is told that what they knew is void.
    const again = await servers[0].join(BOB);
    again.send({ type: 'subscribe', topic: `user:${BOB}`, ...own });
    expect(await again.next({ type: 'subscribed', topic: `user:${BOB}`, outcome: 'reset' })).toMatchObject({ seq: 0 });
});
