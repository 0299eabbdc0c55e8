/** Everything a handler needs of a request before its body: uWebSockets.js lends it for the length of one callback. */

import { TidingsError } from '../errors.ts';
import { withBody } from './bodied-request.ts';
import { clientAddress } from './client-address.ts';
import type { HttpRequest, HttpResponse } from './uws.ts';

/** A request's first lines, copied. */
export type RequestHead = {
    readonly method: string;
    /** Path and query as they came. */
    readonly target: string;
    readonly query: string;
    readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
    /** The client's address, behind trusted proxies. */
    readonly address: string;
};

const HOST = /^[A-Za-z0-9.\-_[\]:]{1,255}$/;

/** Copies the head. Call it before anything asynchronous. */
export function readHead(res: HttpResponse, req: HttpRequest, trustProxy: number): RequestHead {
    const headers: [string, string][] = [];
    req.forEach((name, value) => void headers.push([name, value]));
    const query = req.getQuery() ?? '';
    const peer = Buffer.from(res.getRemoteAddressAsText()).toString();
    return {
        method: req.getCaseSensitiveMethod(),
        target: query === '' ? req.getUrl() : `${req.getUrl()}?${query}`,
        query,
        headers,
        address: clientAddress(peer, headerOf(headers, 'x-forwarded-for'), trustProxy),
    };
}

/** A header's value; several of one name are joined by commas, none is `''`. */
export function headerOf(headers: RequestHead['headers'], name: string): string {
    return headers
        .filter(([key]) => key === name)
        .map(([, value]) => value)
        .join(', ');
}

/**
 * What is wrong with how a head says where its body ends, or null. uWebSockets.js goes by the first of two lengths, and takes
 * any transfer coding for chunked; a proxy before us may have read it otherwise, and what follows as a request of its own.
 */
export function framingFault({ headers }: RequestHead): TidingsError | null {
    const length = headerOf(headers, 'content-length');
    if (!/^\d*$/.test(length)) return new TidingsError('bad_request', 'expected one Content-Length');
    const coding = headerOf(headers, 'transfer-encoding');
    if (/^(?:chunked)?$/i.test(coding)) return null;
    return new TidingsError('bad_request', 'expected no Transfer-Encoding but chunked');
}

/**
 * The standard request.
 *
 * @throws TidingsError `bad_request` for a host, a header or a method that none of those can hold.
 */
export function toRequest(head: RequestHead, body: Buffer | null, signal: AbortSignal): Request {
    const host = headerOf(head.headers, 'host');
    if (!HOST.test(host)) throw new TidingsError('bad_request', 'expected a Host header with a host and a port');
    try {
        const headers = new Headers();
        for (const [name, value] of head.headers) headers.append(name, value);
        const init = { method: head.method, headers, signal };
        const request = new Request(`http://${host}${head.target}`, init);
        return body === null ? request : withBody(request, body);
    } catch (cause) {
        throw new TidingsError('bad_request', 'expected a request of well-formed method, target and headers', {
            cause,
        });
    }
}
