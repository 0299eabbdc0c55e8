import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { closeEventSources, openEventSource } from '../support/event-source.ts';
import { startTestServer, type TestServer, tokenFor } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';

let database: TestDatabase;
let servers: readonly TestServer[];
beforeAll(async () => {
    database = await openDatabase();
    const env = { EXAMPLE: 'false' };
    servers = [await startTestServer(database.url, { env }), await startTestServer(database.url, { env })];
});
afterAll(async () => {
    closeEventSources();
    await closeSockets();
    for (const server of servers) await server.stop();
    await database.close();
});

/** Two sockets, a stream and a waiting poll of a user on every server. */
async function connectionsOf(userId: string) {
    const token = await tokenFor(userId);
    return await Promise.all(
        servers.map(async (server) => {
            const sockets = [await server.join(userId), await server.join(userId)];
            const stream = await openEventSource(server.url, `/stream?topic=user:${userId}`, { token });
            await stream.next({ type: 'subscribed' });
            const answered = { poll: false };
            const poll = server.call(userId, 'GET', `/topics/user:${userId}/events?wait=25`);
            void poll.finally(() => {
                answered.poll = true;
            });
            await server.observed({ type: 'poll.waiting', topic: `user:${userId}` });
            return { sockets, stream, poll, answered };
        }),
    );
}

// Names that begin or end like it, and another spelling.
const OTHERS = ['mallor', 'allory', 'Mallory', 'mallory2'];

test('disconnect ends all that a user has open, on every server, and nothing of anybody else', async () => {
    const others = (await Promise.all(OTHERS.map(connectionsOf))).flat();
    const ended = await connectionsOf('mallory');
    await database.sql`select tidings.disconnect('mallory')`;
    for (const { sockets, stream, poll } of ended) {
        for (const socket of sockets) {
            expect(await socket.ended(10_000)).toEqual({ code: 4403, reason: 'forbidden' });
            expect(socket.frames.at(-1)).toMatchObject({ type: 'error', code: 'forbidden' });
        }
        expect(await stream.next({ type: 'error' })).toMatchObject({ code: 'forbidden' });
        expect(await stream.ended()).toBe(true);
        // What a poll is told whenever its topic may not be read any more.
        expect(await poll).toMatchObject({ status: 404, body: { code: 'not_found' } });
    }
    expect(others.filter(({ answered }) => answered.poll)).toEqual([]);
    for (const userId of OTHERS) await database.sql`select tidings.emit(${`user:${userId}`}, 'test.after', '{}')`;
    for (const { sockets, stream, poll } of others) {
        for (const socket of sockets) await socket.next({ event: 'test.after' });
        await stream.next({ event: 'test.after' });
        expect((await poll).body['items']).toMatchObject([{ event: 'test.after' }]);
    }
});
