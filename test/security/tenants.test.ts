/** Who is told what of whose: every kind of actor × every kind of topic × every way to it, as one table. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { USERS } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { closeEventSources, openEventSource } from '../support/event-source.ts';
import { startTestServer, type TestServer, tokenFor } from '../support/server.ts';
import { closeSockets, type Frame } from '../support/socket-client.ts';

let database: TestDatabase;
let sql: Sql;
let server: TestServer;
/** A project of Acme with a member of each role, and one that is gone. */
let project: string;
let deleted: string;
let epoch: string;

const ACME = '00000000-0000-4000-8000-000000000001';

beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    server = await startTestServer(database.url);
    [project, deleted] = await Promise.all([makeProject('Secret plan'), makeProject('Gone')]);
    await sql`delete from app.project_members where project_id = ${project} and user_id = ${USERS.fay}`;
    await sql`delete from app.projects where id = ${deleted}`;
    for (let n = 1; n <= 5; n += 1)
        await sql`select tidings.emit(${`project:${project}`}, 'secret.told', ${sql.json({ n })})`;
    const bob = await server.join(USERS.bob, `project:${project}`);
    epoch = String(
        bob.frames.find(({ type, topic }) => type === 'subscribed' && topic === `project:${project}`)?.['epoch'],
    );
    await sql`select tidings.emit(${`project:${project}`}, 'secret.last')`;
    await bob.next({ event: 'secret.last' });
    await closeSockets();
});

afterAll(async () => {
    await server.stop();
    await database.close();
});

beforeEach(async () => {
    closeEventSources();
    await closeSockets();
});

async function makeProject(name: string): Promise<string> {
    const [row] = await sql<
        { id: string }[]
    >`insert into app.projects (organisation_id, name) values (${ACME}, ${name}) returning id`;
    const id = row?.id ?? '';
    const roles = {
        bob: 'owner',
        cyd: 'editor',
        dee: 'commenter',
        eve: 'viewer',
        fay: 'viewer',
        hal: 'editor',
    } as const;
    for (const [handle, role] of Object.entries(roles)) {
        await sql`insert into app.project_members (project_id, user_id, role) values (${id}, ${USERS[handle as keyof typeof roles]}, ${role})`;
    }
    return id;
}

/** Whether they may read the project. */
const ACTORS: Readonly<Record<string, readonly [id: string, reads: boolean]>> = {
    stranger: ['auth0|42', false],
    'member of another organisation': [USERS.ivy, false],
    'admin of another organisation': [USERS.gus, false],
    'member of another organisation with a row here': [USERS.hal, false],
    'removed member': [USERS.fay, false],
    viewer: [USERS.eve, true],
    commenter: [USERS.dee, true],
    editor: [USERS.cyd, true],
    owner: [USERS.bob, true],
    'admin of the organisation': [USERS.ada, true],
};

type Topics = Readonly<Record<string, readonly [topic: string, reads: boolean]>>;

function topicsOf(actor: string, readsProject: boolean): Topics {
    return {
        project: [`project:${project}`, readsProject],
        'deleted project': [`project:${deleted}`, false],
        'project nobody has': [`project:00000000-0000-4000-8000-00000000dead`, false],
        'project of no such id': ['project:17', false],
        'project in another spelling': [`project:${project.toUpperCase()}`, false],
        own: [`user:${actor}`, true],
        another: [`user:${USERS.jon}`, false],
        control: ['tidings:control', false],
        access: ['tidings:access', false],
        'unknown kind': [`task:${project}`, false],
    };
}

/** What one way to a topic shows of it: nothing, or how far it is and its events. */
type Shown = { readonly answer: string; readonly events: readonly unknown[] };
type Way = (user: string, topic: string) => Promise<Shown>;

const FORBIDDEN: Shown = { answer: 'forbidden', events: [] };
const since = () => ({ since: 0, epoch });

/** What a socket is told about a topic until it has answered a ping. */
async function overSocket(user: string, topic: string, frames: readonly object[]): Promise<Shown> {
    const socket = await server.join(user);
    for (const frame of frames) socket.send(frame);
    socket.send({ type: 'ping', ref: 'end' });
    await socket.next({ type: 'pong', ref: 'end' });
    // A replay may still be on its way.
    const head = Number(
        socket.frames.find((seen) => seen['topic'] === topic && seen['outcome'] === 'resumed')?.['seq'] ?? 0,
    );
    const isThere = () => head === 0 || socket.frames.some(({ type, seq }) => type === 'event' && seq === head);
    while (!isThere()) await socket.next();
    const told = socket.frames.filter((seen) => seen['topic'] === topic && seen['type'] !== 'welcome');
    return shownBy(told);
}

function shownBy(frames: readonly Frame[]): Shown {
    const refused = frames.find(({ type }) => type === 'error');
    const events = frames.filter(({ type }) => type === 'event').map((frame) => frame['event']);
    if (refused === undefined) return { answer: frames.length === 0 ? 'nothing' : 'told', events };
    // To the letter: nothing of the topic, above all not how far it is.
    expect(Object.keys(refused).sort()).toEqual(['code', 'message', 'ref', 'topic', 'type']);
    return { answer: String(refused['code']), events };
}

const WAYS: Readonly<Record<string, Way>> = {
    subscribe: (user, topic) => overSocket(user, topic, [{ type: 'subscribe', topic, ref: 'a' }]),
    'subscribe with since': (user, topic) =>
        overSocket(user, topic, [{ type: 'subscribe', topic, ref: 'a', ...since() }]),
    'batch with what may be read': async (user, topic) =>
        overSocket(
            user,
            topic,
            [
                {
                    type: 'subscribe',
                    topics: [{ topic: `user:${user}` }, { topic, ...since() }, { topic: `user:${user}` }],
                    ref: 'a',
                },
            ].map((frame) => (topic === `user:${user}` ? { ...frame, topics: [{ topic }] } : frame)),
        ),
    'twice in a batch': (user, topic) =>
        overSocket(user, topic, [{ type: 'subscribe', topics: [{ topic }, { topic, ...since() }], ref: 'a' }]),
    'event stream': async (user, topic) => overStream(user, `topic=${encodeURIComponent(topic)}`, topic),
    'event stream with since': async (user, topic) =>
        overStream(user, `topic=${encodeURIComponent(topic)}&since=0&epoch=${epoch}`, topic),
    'request for events': (user, topic) => overRest(user, topic, 'wait=0'),
    'request for events with since': (user, topic) => overRest(user, topic, `wait=0&since=0&epoch=${epoch}`),
    'request that waits': (user, topic) => overRest(user, topic, 'wait=1&since=999999&epoch=none'),
};

async function overStream(user: string, query: string, topic: string): Promise<Shown> {
    const source = await openEventSource(server.url, `/stream?${query}`, { token: await tokenFor(user) });
    await source.next((frame) => frame['topic'] === topic && frame['type'] !== 'welcome');
    const frames = source.messages.map(({ frame }) => frame).filter((frame) => frame['topic'] === topic);
    source.close();
    const refused = frames.find(({ type }) => type === 'error');
    return refused === undefined ? { answer: 'told', events: [] } : { answer: String(refused['code']), events: [] };
}

async function overRest(user: string, topic: string, query: string): Promise<Shown> {
    const { status, body, headers } = await server.call(
        user,
        'GET',
        `/topics/${encodeURIComponent(topic)}/events?${query}`,
    );
    const events = ((body['items'] as Frame[] | undefined) ?? []).map((frame) => frame['event']);
    if (status !== 404) return { answer: status === 200 ? 'told' : String(status), events };
    expect([body['code'], headers.get('tidings-position'), 'seq' in body]).toEqual(['not_found', null, false]);
    return { answer: 'forbidden', events };
}

describe.each(Object.entries(ACTORS))('%s', (_, [user, readsProject]) => {
    test.each(Object.entries(WAYS))('by %s', async (_name, way) => {
        const table: Record<string, string> = {};
        const wished: Record<string, string> = {};
        for (const [name, [topic, reads]] of Object.entries(topicsOf(user, readsProject))) {
            const shown = await way(user, topic);
            table[name] = shown.answer;
            wished[name] = reads ? 'told' : 'forbidden';
            if (!reads) expect([name, shown]).toEqual([name, FORBIDDEN]);
            if (reads)
                expect(
                    shown.events.filter(
                        (event) => !String(event).match(/^(secret|member|project|task|notification)\./),
                    ),
                ).toEqual([]);
        }
        expect(table).toEqual(wished);
    });
});

describe('a right that is lost', () => {
    const revoke = (id: string) =>
        sql`delete from app.project_members where project_id = ${id} and user_id = ${USERS.eve}`;
    const give = (id: string) =>
        sql`insert into app.project_members (project_id, user_id, role) values (${id}, ${USERS.eve}, 'viewer') on conflict do nothing`;

    test('shows nothing by any way from then on, and the old position opens nothing', async () => {
        const place = await makeProject('Lost');
        const topic = `project:${place}`;
        const socket = await server.join(USERS.eve, topic);
        await sql`select tidings.emit(${topic}, 'secret.told')`;
        const { seq } = await socket.next({ event: 'secret.told' });
        await revoke(place);
        await socket.next({ type: 'unsubscribed', topic, reason: 'revoked' });
        await sql`select tidings.emit(${topic}, 'secret.more')`;
        for (const way of Object.values(WAYS)) expect(await way(USERS.eve, topic)).toEqual(FORBIDDEN);
        socket.send({ type: 'subscribe', topic, since: seq, epoch, ref: 'again' });
        expect(await socket.next({ ref: 'again' })).toEqual({
            type: 'error',
            code: 'forbidden',
            message: 'expected a topic you may read',
            topic,
            ref: 'again',
        });
        expect(socket.frames.filter(({ event }) => event === 'secret.more')).toEqual([]);
        await give(place);
        socket.send({ type: 'subscribe', topic, since: seq, epoch, ref: 'back' });
        expect(await socket.next({ ref: 'back' })).toMatchObject({ type: 'subscribed', outcome: 'resumed' });
        await socket.next({ event: 'secret.more' });
    });

    test('in the middle of a replay ends it: what was committed after is not told, by socket or stream', async () => {
        const place = await makeProject('Replayed');
        const topic = `project:${place}`;
        await sql`select tidings.emit(${topic}, 'past.told', jsonb_build_object('n', n, 'filler', repeat('x', 2000))) from generate_series(1, 1500) n`;
        const bob = await server.join(USERS.bob, topic);
        await sql`select tidings.emit(${topic}, 'past.end')`;
        await bob.next({ event: 'past.end' }, 20_000);
        const socket = await server.join(USERS.eve);
        const source = await openEventSource(server.url, `/stream?topic=${topic}&since=0&epoch=${epoch}`, {
            token: await tokenFor(USERS.eve),
        });
        socket.send({ type: 'subscribe', topic, since: 0, epoch, ref: 'r' });
        await socket.next({ event: 'past.told' });
        await sql.begin(async (tx) => {
            await tx`delete from app.project_members where project_id = ${place} and user_id = ${USERS.eve}`;
            await tx`select tidings.emit(${topic}, 'secret.after')`;
        });
        await socket.next({ type: 'unsubscribed', topic, reason: 'revoked' }, 15_000);
        await source.next({ type: 'unsubscribed', topic, reason: 'revoked' });
        const said = [...socket.frames, ...source.messages.map(({ frame }) => frame)];
        expect(said.filter(({ event }) => event === 'secret.after')).toEqual([]);
        const after = socket.frames.slice(socket.frames.findIndex(({ type }) => type === 'unsubscribed') + 1);
        expect(after.filter((frame) => frame['topic'] === topic)).toEqual([]);
    });

    test('while a request waits ends it as what is not there', async () => {
        const place = await makeProject('Waited for');
        const topic = `project:${place}`;
        const bob = await server.join(USERS.bob, topic);
        await sql`select tidings.emit(${topic}, 'test.ready')`;
        await bob.next({ event: 'test.ready' });
        const { body } = await server.call(USERS.eve, 'GET', `/topics/${topic}/events?wait=0`);
        const waiting = server.call(
            USERS.eve,
            'GET',
            `/topics/${topic}/events?wait=20&since=${body['seq']}&epoch=${body['epoch']}`,
        );
        await server.observed({ type: 'poll.waiting', topic });
        await sql.begin(async (tx) => {
            await tx`select tidings.emit(${topic}, 'secret.before')`;
            await tx`delete from app.project_members where project_id = ${place} and user_id = ${USERS.eve}`;
        });
        const answer = await waiting;
        expect([answer.status, JSON.stringify(answer.body).includes('secret')]).toEqual([404, false]);
    });
});

test('a batch of what may and what may not be read: each its own answer, and of the latter not how far they are', async () => {
    const socket = await server.join(USERS.ivy);
    const forbidden = [
        `project:${project}`,
        `project:${deleted}`,
        `user:${USERS.bob}`,
        'tidings:control',
        'project:17',
    ];
    const own = `user:${USERS.ivy}`;
    socket.send({
        type: 'subscribe',
        topics: [...forbidden, own].map((topic) => ({ topic, since: 1, epoch })),
        ref: 'b',
    });
    for (const topic of forbidden) {
        expect(await socket.next({ ref: 'b' })).toEqual({
            type: 'error',
            code: 'forbidden',
            message: 'expected a topic you may read',
            topic,
            ref: 'b',
        });
    }
    expect(await socket.next({ ref: 'b' })).toMatchObject({ type: 'subscribed', topic: own });
    await sql`select tidings.emit(${`project:${project}`}, 'secret.told'), tidings.emit(${own}, 'own.told')`;
    await socket.next({ event: 'own.told' });
    expect(socket.frames.filter(({ event }) => event === 'secret.told')).toEqual([]);
});
