/** Random users and topics in a random world, before and after rights changed: sockets and routes agree with the policy read off the rows. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createRandom } from '../support/random.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets, type SocketClient } from '../support/socket-client.ts';
import { allows, changeAtRandom, type Domain, makeDomain, type Role, roleOf } from './random-domain.ts';

const SEED = 20_261_123;
const PAIRS = 10_000;
const REQUESTS = Number(process.env['SECURITY_REQUESTS'] ?? 1_500);

let database: TestDatabase;
let sql: Sql;
let server: TestServer;
let domain: Domain;
const random = createRandom(SEED);
const sockets = new Map<string, SocketClient>();
/** What each user's socket has joined and not been taken off. */
const joined = new Map<string, Set<string>>();

beforeAll(async () => {
    database = await openDatabase({ example: true });
    sql = database.sql;
    domain = await makeDomain(sql, random, { users: 50, projects: 50 });
    server = await startTestServer(database.url, { env: { WS_MAX_SUBSCRIPTIONS: '0' } });
    for (const { id } of domain.users) {
        sockets.set(id, await server.join(id));
        joined.set(id, new Set());
    }
});

afterAll(async () => {
    await closeSockets();
    await server.stop();
    await database.close();
});

type User = Domain['users'][number];

/** A topic, and whether the user may read it. */
function drawTopic(user: User): { topic: string; allowed: boolean } {
    const dice = random();
    const project = domain.pick(domain.projects);
    const other = domain.pick(domain.users).id;
    if (dice < 0.85) return { topic: `project:${project.id}`, allowed: roleOf(domain, user, project) !== null };
    if (dice < 0.9) return { topic: `user:${other}`, allowed: other === user.id };
    const none = [
        `project:${other}`,
        `project:${project.id.toUpperCase()}`,
        'project:17',
        'tidings:control',
        'tidings:access',
        `task:${project.task}`,
    ];
    return { topic: domain.pick(none), allowed: false };
}

type Answers = { readonly leaks: string[]; readonly denials: string[]; allowed: number };

/** Asks for as many topics on every user's socket, a hundred a frame; answers who was answered wrongly. */
async function subscribeAll(pairs: number): Promise<Answers> {
    const answers: Answers = { leaks: [], denials: [], allowed: 0 };
    for (const user of domain.users) {
        for (let left = pairs / domain.users.length; left > 0; left -= 100) {
            await subscribeSome(user, Math.min(100, left), answers);
        }
    }
    return answers;
}

async function subscribeSome(user: User, many: number, answers: Answers): Promise<void> {
    const socket = sockets.get(user.id) as SocketClient;
    const asked = Array.from({ length: many }, () => drawTopic(user));
    const ref = `r${random()}`;
    socket.send({ type: 'subscribe', topics: asked.map(({ topic }) => ({ topic })), ref });
    for (const { topic, allowed } of asked) {
        const answer = await socket.next({ ref });
        const got = answer['type'] === 'subscribed';
        expect([answer['topic'], answer['code']]).toEqual([topic, got ? undefined : 'forbidden']);
        if (got !== allowed) (got ? answers.leaks : answers.denials).push(`${user.id} ${topic}`);
        if (got && topic.startsWith('project:')) joined.get(user.id)?.add(topic);
        if (allowed) answers.allowed += 1;
    }
}

/** Emits one event on every project; answers those that reached who may not read them, and those that did not reach who may. */
async function tellAll(event: string): Promise<{ leaks: string[]; losses: string[]; told: number }> {
    const projectOf = new Map(domain.projects.map((project) => [`project:${project.id}`, project]));
    await sql`select tidings.emit('project:' || p, ${event}) from unnest(${domain.projects.map(({ id }) => id)}::text[]) p`;
    await sql`select tidings.emit('user:' || u, 'test.end') from unnest(${domain.users.map(({ id }) => id)}::text[]) u`;
    const [leaks, losses]: [string[], string[]] = [[], []];
    let told = 0;
    for (const user of domain.users) {
        const socket = sockets.get(user.id) as SocketClient;
        const leftOut = new Set(
            socket.frames.filter(({ type }) => type === 'unsubscribed').map((frame) => frame['topic']),
        );
        const may = [...(joined.get(user.id) ?? [])].filter((topic) => {
            const project = projectOf.get(topic);
            return !leftOut.has(topic) && project !== undefined && roleOf(domain, user, project) !== null;
        });
        const got = () =>
            socket.frames.filter((frame) => frame['event'] === event).map((frame) => String(frame['topic']));
        await socket.next({ event: 'test.end' }, 10_000);
        // A topic whose right was in doubt may come after the own topic does.
        await until(() => got().length >= may.length);
        leaks.push(
            ...got()
                .filter((topic) => !may.includes(topic))
                .map((topic) => `${user.id} ${topic}`),
        );
        losses.push(...may.filter((topic) => !got().includes(topic)).map((topic) => `${user.id} ${topic}`));
        told += got().length;
    }
    return { leaks, losses, told };
}

async function until(holds: () => boolean): Promise<void> {
    const endMs = performance.now() + 5000;
    while (!holds() && performance.now() < endMs) await new Promise((resolve) => setImmediate(resolve));
}

type Route = { readonly line: string; readonly lowest: Role; readonly body?: unknown };

const ROUTES: readonly Route[] = [
    { line: 'GET /projects/{project}', lowest: 'viewer' },
    { line: 'GET /projects/{project}/tasks', lowest: 'viewer' },
    { line: 'GET /projects/{project}/members', lowest: 'viewer' },
    { line: 'GET /projects/{project}/activity', lowest: 'viewer' },
    { line: 'PATCH /projects/{project}', lowest: 'owner', body: { description: 'D' } },
    { line: 'POST /projects/{project}/tasks', lowest: 'editor', body: { title: 'New' } },
    { line: 'GET /tasks/{task}', lowest: 'viewer' },
    { line: 'PATCH /tasks/{task}', lowest: 'editor', body: { description: 'D' } },
    { line: 'GET /tasks/{task}/comments', lowest: 'viewer' },
    { line: 'POST /tasks/{task}/comments', lowest: 'commenter', body: { body: 'B' } },
    { line: 'POST /tasks/{task}/timer/start', lowest: 'commenter' },
    { line: 'POST /tasks/{task}/timer/stop', lowest: 'commenter' },
    { line: 'GET /topics/project:{project}/events?wait=0', lowest: 'viewer' },
    { line: 'PUT /topics/project:{project}/mute', lowest: 'viewer' },
    { line: 'PUT /topics/project:{project}/watch', lowest: 'viewer' },
    // These take something away: only asked by those who may not.
    { line: 'DELETE /projects/{project}', lowest: 'owner' },
    { line: 'DELETE /tasks/{task}', lowest: 'editor' },
    { line: 'PUT /projects/{project}/members/{user}', lowest: 'owner', body: { role: 'owner' } },
    { line: 'DELETE /projects/{project}/members/{user}', lowest: 'owner' },
];

/** Random requests; answers those that were answered wrongly. */
async function requestAll(times: number): Promise<{ wrong: string[]; allowed: number; asked: number }> {
    const wrong: string[] = [];
    let [allowed, asked] = [0, 0];
    for (let n = 0; n < times; n += 1) {
        const { line, lowest, body } = domain.pick(ROUTES);
        const [user, project] = [domain.pick(domain.users), domain.pick(domain.projects)];
        const role = roleOf(domain, user, project);
        const takes = ROUTES.findIndex((route) => route.line === line) >= 15;
        if (takes && allows(role, lowest)) continue;
        const [method = '', template = ''] = line.split(' ');
        const path = template
            .replace('{project}', project.id)
            .replace('{task}', project.task)
            .replace('{user}', user.id);
        const { status } = await server.call(user.id, method, path, body === undefined ? {} : { body });
        asked += 1;
        const expected = role === null ? [404] : allows(role, lowest) ? [200, 201, 204, 409] : [403];
        if (!expected.includes(status)) wrong.push(`${line} as ${role}: ${status}`);
        if (allows(role, lowest)) allowed += 1;
    }
    return { wrong, allowed, asked };
}

/** Everything a user's lists show must be of projects they see, and `/projects` all of those. */
async function listsOf(user: User): Promise<string[]> {
    const seen = domain.projects.filter((project) => roleOf(domain, user, project) !== null).map(({ id }) => id);
    const { body } = await server.call(user.id, 'GET', '/projects?limit=100');
    const listed = (body['items'] as { id: string }[]).map(({ id }) => id);
    const { body: activity } = await server.call(user.id, 'GET', '/activity?limit=100');
    const foreign = (activity['items'] as { topic: string }[]).filter(
        ({ topic }) => !seen.includes(topic.slice('project:'.length)),
    );
    return [
        ...listed.filter((id) => !seen.includes(id)).map((id) => `leak ${id}`),
        ...seen.filter((id) => !listed.includes(id)).map((id) => `denial ${id}`),
        ...foreign.map(({ topic }) => `leak of activity ${topic}`),
    ];
}

test('10 000 pairs and what follows them: no leak, no wrong denial, also after rights have changed', async () => {
    const first = await subscribeAll(PAIRS / 2);
    expect(first).toMatchObject({ leaks: [], denials: [] });
    expect(await tellAll('test.before')).toMatchObject({ leaks: [], losses: [] });
    const before = await requestAll(REQUESTS / 2);
    expect(before.wrong).toEqual([]);

    const unseen = await changeAtRandom(sql, domain, random, 150);
    const after = await tellAll('test.after');
    expect(after).toMatchObject({ leaks: [], losses: [] });
    const second = await subscribeAll(PAIRS / 2);
    expect(second).toMatchObject({ leaks: [], denials: [] });
    const later = await requestAll(REQUESTS / 2);
    expect(later.wrong).toEqual([]);
    expect((await Promise.all(domain.users.map(listsOf))).flat()).toEqual([]);
    const revoked = [...sockets].flatMap(([user, { frames }]) =>
        frames
            .filter(({ type }) => type === 'unsubscribed')
            .map(({ topic }) => `${user} ${String(topic).slice('project:'.length)}`),
    );
    expect(revoked.filter((pair) => !unseen.has(pair))).toEqual([]);
    console.info(`seed ${SEED}:`, {
        pairs: PAIRS,
        allowed: first.allowed + second.allowed,
        requests: before.asked + later.asked,
        allowedRequests: before.allowed + later.allowed,
        revoked: revoked.length,
        toldAfter: after.told,
    });
    expect(revoked.length).toBeGreaterThan(10);
}, 120_000);
