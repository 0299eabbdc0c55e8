import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededTask, USERS, WEBSITE } from '../example/example-api.ts';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { closeSockets } from '../support/socket-client.ts';

const CHANGES = 1000;
/** Writers at once: enough to see the pipeline busy, few enough that a request doesn't queue. */
const WRITERS = 2;
const MOST_MEDIAN_MS = 100;

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

function percentile(sorted: readonly number[], share: number): number {
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

test(`over ${CHANGES} REST changes half of the events come within ${MOST_MEDIAN_MS} ms of the response`, async () => {
    const topic = `project:${WEBSITE}`;
    const reader = await server.join(USERS.bob, topic);
    const answeredMs = new Map<string, number>();

    async function write(writer: number): Promise<void> {
        for (let n = writer; n < CHANGES; n += WRITERS) {
            const headers = { 'x-request-id': `change-${n}` };
            const body = { title: `Change ${n}` };
            const path = `/tasks/${seededTask(1, writer + 1)}`;
            const { status } = await server.call(USERS.cyd, 'PATCH', path, { headers, body });
            answeredMs.set(`change-${n}`, performance.now());
            expect(status).toBe(200);
        }
    }

    await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    await database.sql`select tidings.emit(${topic}, 'test.marker')`;
    await reader.next({ type: 'event', event: 'test.marker' });
    const told = reader.frames.filter((frame) => frame['event'] === 'task.updated');
    expect(told).toHaveLength(CHANGES);
    // An event that is there before its response has cost no wait.
    const waits = told.map((frame) => {
        const atMs = answeredMs.get(String(frame['requestId'])) ?? Number.NaN;
        return Math.max(0, reader.arrivedAtMs(frame) - atMs);
    });
    const sorted = waits.sort((a, b) => a - b);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(sorted, share)) as [number, number, number];
    const figures = `p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
    process.stdout.write(`response to event: n ${CHANGES}, ${figures}\n`);
    expect(p50).toBeLessThan(MOST_MEDIAN_MS);
}, 60_000);
