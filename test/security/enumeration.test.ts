/** What is not there and what is somebody else's are answered alike: the same bytes, and times that cannot be told apart. */

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MOBILE, USERS, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';
import { median, rankSum } from './rank-sum.ts';

let database: TestDatabase;
let server: TestServer;
beforeAll(async () => {
    database = await openDatabase({ example: true });
    server = await startTestServer(database.url);
});
afterAll(async () => {
    await closeSockets();
    await server.stop();
    await database.close();
});

const MISSING = () => randomUUID();

/** Somebody of the other organisation. */
const WHO = USERS.ivy;

const figures = (theirs: readonly number[], none: readonly number[]) => ({
    theirsMs: Number(median(theirs).toFixed(3)),
    noneMs: Number(median(none).toFixed(3)),
    p: Number(rankSum(theirs, none).p.toFixed(3)),
    ahead: Number(rankSum(theirs, none).ahead.toFixed(3)),
});

/** Times both kinds of request in turns, the first of each pair drawn by lot. */
async function timed(pairs: number, theirs: () => Promise<unknown>, none: () => Promise<unknown>) {
    const times: [number[], number[]] = [[], []];
    for (let n = 0; n < pairs; n += 1) {
        for (const which of Math.random() < 0.5 ? [0, 1] : [1, 0]) {
            const startedMs = performance.now();
            await (which === 0 ? theirs : none)();
            times[which as 0 | 1].push(performance.now() - startedMs);
        }
    }
    return times;
}

/** An oracle would put one kind above the other nearly always; noise, on a busy machine, hardly more often than not. */
async function expectAlike(
    what: string,
    pairs: number,
    theirs: () => Promise<unknown>,
    none: () => Promise<unknown>,
): Promise<void> {
    await timed(20, theirs, none);
    for (let tries = 1; ; tries += 1) {
        const seen = figures(...(await timed(pairs, theirs, none)));
        console.info(`${what}, ${pairs} pairs:`, seen);
        if (Math.abs(seen.ahead - 0.5) < 0.06) return;
        expect(tries, `${what} told apart: ${JSON.stringify(seen)}`).toBeLessThan(3);
    }
}

test('the figures say so when times differ by a twentieth of a millisecond in half', () => {
    const random = (n: number) => ((n * 7919) % 1000) / 1000;
    const a = Array.from({ length: 1000 }, (_, n) => 0.5 + random(n) / 5);
    const b = Array.from({ length: 1000 }, (_, n) => 0.55 + random(n + 13) / 5);
    expect(Math.abs(rankSum(a, b).ahead - 0.5)).toBeGreaterThan(0.06);
    expect(rankSum(a, b).p).toBeLessThan(0.001);
    expect(rankSum(a, [...a]).p).toBeGreaterThan(0.9);
});

describe('over a socket', () => {
    test('every refusal is the same but for the topic, which is as it was sent', async () => {
        const socket = await server.join(WHO);
        const topics = [
            `project:${WEBSITE}`,
            `project:${MISSING()}`,
            'project:17',
            `project:${WEBSITE.toUpperCase().replace('8', 'A')}`,
            `user:${USERS.bob}`,
            'user:nobody',
            `task:${WEBSITE}`,
            'none:1',
            'tidings:control',
            'tidings:none',
            'project:-1',
            `project:${'9'.repeat(128)}`,
        ];
        for (const extra of [{}, { since: 0, epoch: 'x' }, { since: 5, epoch: 'x' }]) {
            for (const topic of topics) {
                socket.send({ type: 'subscribe', topic, ref: 'r', ...extra });
                expect(await socket.next()).toEqual({
                    type: 'error',
                    code: 'forbidden',
                    message: 'expected a topic you may read',
                    topic,
                    ref: 'r',
                });
            }
        }
    });

    test('1 000 of each take as long', async () => {
        const socket = await server.join(WHO);
        const ask = async (topic: string) => {
            socket.send({ type: 'subscribe', topic, ref: 'r' });
            await socket.next({ ref: 'r' });
        };
        await expectAlike(
            'socket',
            1000,
            () => ask(`project:${WEBSITE}`),
            () => ask(`project:${MISSING()}`),
        );
    }, 60_000);
});

describe('by request', () => {
    const PATHS: Readonly<Record<string, (id: string) => string>> = {
        events: (id) => `/topics/project:${id}/events?wait=0`,
        project: (id) => `/projects/${id}`,
        tasks: (id) => `/projects/${id}/tasks`,
        members: (id) => `/projects/${id}/members`,
        activity: (id) => `/projects/${id}/activity`,
    };

    test.each(Object.entries(PATHS))(
        '%s of others, of nobody and of no id are the same to the byte',
        async (_, pathOf) => {
            const answers = await Promise.all(
                [WEBSITE, MOBILE, MISSING(), '17', 'x'].map(async (id) => {
                    const { status, headers, body } = await server.call(WHO, 'GET', pathOf(id), {
                        headers: { 'x-request-id': 'r', traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-00` },
                    });
                    const kept = [...headers].filter(([name]) => name !== 'date').sort();
                    return JSON.stringify([status, kept, body]);
                }),
            );
            expect(new Set(answers).size).toBe(1);
            expect(answers[0]).toContain('404');
        },
    );

    test.each(['events', 'project'])(
        '%s of others and of nobody take as long',
        async (name) => {
            const pathOf = PATHS[name] ?? String;
            await expectAlike(
                name,
                400,
                () => server.call(WHO, 'GET', pathOf(WEBSITE)),
                () => server.call(WHO, 'GET', pathOf(MISSING())),
            );
        },
        60_000,
    );
});
