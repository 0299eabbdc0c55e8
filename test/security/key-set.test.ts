import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { closeEventSources, openEventSource } from '../support/event-source.ts';
import { type IdentityProvider, jwkOf, rsaKey, startIdentityProvider, tokenOf } from '../support/identity-provider.ts';
import { type Reply, startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets, connectSocket } from '../support/socket-client.ts';
import { ISSUED } from '../support/tokens.ts';

const [known, unknown] = [rsaKey('known'), rsaKey('unknown')];

let database: TestDatabase;
let idp: IdentityProvider;
let server: TestServer;
beforeAll(async () => {
    database = await openDatabase();
    idp = await startIdentityProvider([jwkOf(known)]);
    const env = { EXAMPLE: 'false', JWKS_URL: idp.url, JWT_ISSUER: ISSUED.iss, JWT_AUDIENCE: ISSUED.aud };
    server = await startTestServer(database.url, { env });
});
afterEach(async () => {
    closeEventSources();
    await closeSockets();
});
afterAll(async () => {
    await server.stop();
    await idp.stop();
    await database.close();
});

function ask(token = tokenOf(known)): Promise<Reply> {
    return server.call(null, 'GET', '/notifications', { headers: { authorization: `Bearer ${token}` } });
}

async function expectTryAgain(token: string): Promise<void> {
    const { status, headers, body } = await ask(token);
    expect([status, body['code'], headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
    const stream = await openEventSource(server.url, '/stream?topic=user:42', { token });
    expect([stream.status, stream.headers.get('retry-after')]).toEqual([503, '1']);
    for (const place of ['header', 'message'] as const) {
        const socket = await connectSocket(server.url, { token, place });
        expect(await socket.ended()).toEqual({ code: 1013, reason: 'internal' });
        expect(socket.frames).toEqual([
            {
                type: 'error',
                code: 'internal',
                message: 'expected to be able to check the token, got a failure: try again',
                retryAfterMs: 1000,
            },
        ]);
    }
}

test('without keys everybody is asked to come again, bad tokens are still refused, and it ends by itself', async () => {
    idp.answerBy((res) => res.writeHead(500).end());
    await expectTryAgain(tokenOf(known));
    await server.observed({ type: 'service.failed', service: 'key set' });
    expect((await ask('none.of.these')).status).toBe(401);
    idp.answerBy(null);
    let reply = await ask();
    const endMs = Date.now() + 15_000;
    while (reply.status !== 200 && Date.now() < endMs) reply = await ask();
    expect(reply.status).toBe(200);
});

test('with keys an outage is not felt, but by tokens of other keys', async () => {
    const socket = await connectSocket(server.url, { token: tokenOf(known) });
    await socket.next({ type: 'welcome' });
    idp.answerBy((res) => res.destroy());
    const before = idp.requests();
    expect((await ask()).status).toBe(200);
    socket.send({ type: 'auth', token: tokenOf(known), ref: 'r' });
    expect(await socket.next({ ref: 'r' })).toMatchObject({ type: 'authenticated' });
    // Within the cool-down nobody is asked, so an unknown key is no key.
    expect((await ask(tokenOf(unknown))).status).toBe(401);
    expect(idp.requests()).toBe(before);
});
