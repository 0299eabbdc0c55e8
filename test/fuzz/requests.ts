/** What is sent over HTTP: requests of every route with bodies right, nearly right and wrong, and heads that are none. */

import type { Dice } from './dice.ts';
import { randomJson, spoilField, spoilText } from './json.ts';

/** A route of /openapi.json. */
export type Route = { readonly method: string; readonly path: string };

/** One input. `isWhole`: it is a request that has to be answered; else anything may be, or nothing. */
export type RequestInput = {
    readonly kind: string;
    readonly bytes: Buffer;
    readonly method: string;
    readonly path: string;
    readonly isWhole: boolean;
};

const ID = '00000000-0000-4000-8000-000000000';
const BODY = {
    title: 'a',
    name: 'a',
    body: 'b',
    status: 'todo',
    role: 'editor',
    read: false,
    until: '2030-01-01T00:00:00Z',
    version: 1,
};
const TYPES = ['application/json', 'application/json; charset=utf-8', 'text/plain', 'application/xml', '', 'a/b;c="'];
const ENCODINGS = ['gzip', 'br', 'identity', 'x'];
const ODD_HEADS = [
    'GET\r\n\r\n',
    'GET / HTTP/0.9\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: \x01\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: \x1b[31m\r\n\r\n',
    'GET http://evil/ HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /%00%ff%zz HTTP/1.1\r\nHost: x\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: x\r\n${'A: b\r\n'.repeat(200)}\r\n`,
    `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
];

/** The next input, on one of these routes, as whom the token says. */
export function nextRequest(dice: Dice, routes: readonly Route[], token: string): RequestInput {
    if (dice.chance(0.03)) return oddRequest(dice);
    const { method, path } = dice.pickAny(routes) ?? { method: 'GET', path: '/' };
    const target = fill(dice, method, path) + query(dice);
    const headers = headersOf(dice, token);
    const hasBody = method !== 'GET' && method !== 'HEAD' && dice.chance(0.9);
    const body = hasBody ? randomBody(dice) : Buffer.alloc(0);
    if (hasBody || method !== 'GET') headers.push(`Content-Length: ${body.length}`);
    const head = `${method} ${target} HTTP/1.1\r\nHost: x\r\n${headers.join('\r\n')}\r\n\r\n`;
    const bytes = Buffer.concat([Buffer.from(head, 'latin1'), body]);
    return { kind: `HTTP ${hasBody ? 'with' : 'without'} body`, bytes, method, path, isWhole: true };
}

function oddRequest(dice: Dice): RequestInput {
    const odd = dice.pickAny(ODD_HEADS) ?? '';
    const bytes = dice.pick([
        Buffer.from(odd, 'latin1'),
        Buffer.from(spoilText(dice, odd), 'latin1'),
        dice.bytes(dice.below(400)),
    ]);
    return { kind: 'HTTP noise', bytes, method: '', path: '', isWhole: false };
}

/** A path with ids that are of something, of nothing, or none. Projects are not deleted, as then all would be 404. */
function fill(dice: Dice, method: string, path: string): string {
    return path.replace(/\{(\w+)\}/g, (_, name: string) => {
        if (method === 'DELETE' && path.endsWith('/projects/{id}')) return `${ID}999`;
        if (name === 'topic') return dice.pick(['user:42', `project:${ID}201`, 'x', '%00', `project:${ID}999`]);
        const known = dice.pick([`20${1 + dice.below(6)}`, `10${1 + dice.below(9)}`, '999']);
        const task = `00000000-0000-4000-8000-0000000030${1 + dice.below(5)}0${1 + dice.below(9)}`;
        return dice.pick([`${ID}${known}`, `${ID}${known}`, task, `${dice.below(100)}`, '%27%20or', 'x'.repeat(300)]);
    });
}

function query(dice: Dice): string {
    if (dice.chance(0.6)) return '';
    const name = dice.pick(['limit', 'cursor', 'since', 'epoch', 'wait', 'unreadOnly', 'topic', 'token', '__proto__']);
    const value = dice.pick(['0', '1', '-1', '101', 'true', '%00', '%f0%28%8c', '1e9', 'x'.repeat(500), '[]']);
    return `?${name}=${value}`;
}

function headersOf(dice: Dice, token: string): string[] {
    const headers: string[] = [];
    if (dice.chance(0.85)) headers.push(`Authorization: Bearer ${token}`);
    else if (dice.chance(0.5))
        headers.push(`Authorization: ${dice.pick(['Basic eA==', 'Bearer', 'Bearer a.b.c', 'x'])}`);
    const type = dice.chance(0.7) ? 'application/json' : (dice.pickAny(TYPES) ?? '');
    headers.push(`Content-Type: ${type}`);
    if (dice.chance(0.05)) headers.push(`Content-Encoding: ${dice.pickAny(ENCODINGS)}`);
    if (dice.chance(0.1)) headers.push(`Idempotency-Key: ${dice.pick(['a', 'x'.repeat(300), '\xff', 'k'])}`);
    if (dice.chance(0.05)) headers.push(`Accept: ${dice.pick(['text/event-stream', '*/*', ';;', 'a'])}`);
    if (dice.chance(0.05)) headers.push(`If-Match: ${dice.pick(['"1"', '*', 'W/"x"', '"', '"99999999999999999999"'])}`);
    if (dice.chance(0.05)) headers.push(`X-Request-Id: ${dice.pick(['a b', 'x'.repeat(300), '[31m'])}`);
    if (dice.chance(0.05))
        headers.push(`Traceparent: ${dice.pick(['00-x', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`])}`);
    if (dice.chance(0.05)) headers.push(`Last-Event-ID: ${dice.pick(['x', 'k:1', '{}'])}`);
    return headers;
}

function randomBody(dice: Dice): Buffer {
    const valid = Object.fromEntries(Object.entries(BODY).filter(() => dice.chance(0.3)));
    switch (dice.below(6)) {
        case 0:
            return Buffer.from(JSON.stringify(valid));
        case 1:
        case 2:
            return Buffer.from(JSON.stringify(spoilField(dice, valid)));
        case 3:
            return Buffer.from(spoilText(dice, JSON.stringify(valid)));
        case 4:
            return Buffer.from(JSON.stringify(randomJson(dice)));
        default:
            return dice.bytes(dice.below(200));
    }
}
