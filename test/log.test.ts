import { expect, test, vi } from 'vitest';
import { createLogger, redact } from '../src/log.ts';
import type { Observation } from '../src/observe.ts';

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl';

function linesOf(level: 'trace' | 'info' | 'silent', observations: readonly Observation[]): string[] {
    const lines: string[] = [];
    const observe = createLogger({ level, destination: { write: (line) => void lines.push(line) } });
    for (const observation of observations) observe(observation);
    return lines;
}

const STARTED: Observation = { type: 'server.started', url: 'http://127.0.0.1:8080', tookMs: 12 };
const RAN: Observation = { type: 'sequencer.ran', numbered: 1, tookMs: 1 };

test('writes an observation as one line of JSON with its fields', () => {
    const [line, ...rest] = linesOf('info', [STARTED]);
    expect(rest).toEqual([]);
    expect(line?.match(/\n/g)).toHaveLength(1);
    expect(JSON.parse(line ?? '')).toMatchObject({ ...STARTED, level: 30, time: expect.stringMatching(/Z$/) });
});

test('keeps what happens on every event to trace, and silent means silent', () => {
    expect(linesOf('info', [RAN, STARTED])).toHaveLength(1);
    expect(linesOf('trace', [RAN, STARTED])).toHaveLength(2);
    expect(linesOf('silent', [{ type: 'service.failed', service: 'tail', error: new Error('x') }])).toEqual([]);
});

test('writes an error on one line with code and stack, and none of what libraries hang on it', () => {
    const error = Object.assign(new Error('line one\nline two'), {
        code: '42P01',
        query: 'select canary',
        parameters: ['canary'],
    });
    const [line = ''] = linesOf('info', [{ type: 'tail.failed', error, retryInMs: 5 }]);
    expect(line.trimEnd()).not.toContain('\n');
    expect(line).not.toContain('canary');
    expect(JSON.parse(line).error).toMatchObject({ message: 'line one\nline two', code: '42P01' });
});

test('writes no token and no password, wherever they stand', () => {
    const error = new Error(`bad ${TOKEN} at postgres://app:hunter2@db/app and /ws?token=abc.def&x=1`);
    const lines = linesOf('info', [
        { type: 'handler.failed', where: `GET /ws?token=${TOKEN}`, error },
        { type: 'auth.failed', where: 'rest', reason: `expected a token, got ${TOKEN}`, address: '::1' },
    ]).join('');
    for (const secret of [TOKEN, 'hunter2', 'abc.def']) expect(lines).not.toContain(secret);
    expect(redact('nothing here: http://127.0.0.1:8080/x')).toBe('nothing here: http://127.0.0.1:8080/x');
});

test('what strangers repeat is one line, and at debug a line each', () => {
    const refused: Observation[] = Array.from({ length: 500 }, (_, n) => ({
        type: 'socket.refused',
        reason: 'origin',
        address: `10.0.0.${n % 256}`,
    }));
    const failed: Observation = { type: 'auth.failed', where: 'rest', reason: 'err_jwt_expired', address: '10.0.0.1' };
    expect(linesOf('info', [...refused, failed, failed, { ...failed, where: 'query' }])).toHaveLength(3);
    expect(linesOf('trace', refused)).toHaveLength(500);
});

test('tells in the end how often they did', () => {
    vi.useFakeTimers();
    try {
        const lines: string[] = [];
        const observe = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } });
        for (let n = 0; n < 42; n += 1) observe({ type: 'request.limited', key: `user:${n}` });
        vi.advanceTimersByTime(10_000);
        expect(lines.map((line) => JSON.parse(line))).toMatchObject([
            { type: 'request.limited', key: 'user:0' },
            { type: 'request.limited', key: 'user:41', repeated: 41, withinMs: 10_000 },
        ]);
    } finally {
        vi.useRealTimers();
    }
});

test.each([
    ['encoded dots', `GET /x?a=${TOKEN.replaceAll('.', '%2E')}`],
    ['dots that are encoded twice', `Referer: https://a.example/?next=${TOKEN.replaceAll('.', '%252e')}`],
    ['upper case', `/ws?TOKEN=${TOKEN.slice(20)}`],
    ['an encoded query', `/login?next=%2Fws%3Ftoken%3D${TOKEN.slice(20)}`],
    ['another name', `/x?a=1&access_token=${TOKEN.slice(20)}`],
    ['another spelling of its head', `got ${Buffer.from('{ "alg":"HS256" }').toString('base64url')}${TOKEN.slice(20)}`],
    ['a frame', `{"type":"auth","token":"opaque.${TOKEN.slice(20)}"}`],
    ['a frame in a frame', JSON.stringify({ frame: `{"token" : "opaque${TOKEN.slice(20)}"}` })],
    ['a header', `authorization: Bearer opaque${TOKEN.slice(20)}`],
    ['a subprotocol', `tidings.v1, bearer.opaque${TOKEN.slice(20)}`],
])('redacts a token in %s', (_, text) => {
    expect(redact(text)).not.toContain('c2lnbmF0dXJl');
    expect(redact(text)).toContain('[token]');
});

test('leaves alone what only sounds like one', () => {
    const text =
        'expected a bearer token, got none; the eyes of Wordsworth: eyrie.example, ewer.txt, token=, "token": ""';
    expect(redact(text)).toBe(text);
});
