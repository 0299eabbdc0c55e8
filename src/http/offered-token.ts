/** Where an upgrade's token is: the first place that has one counts. */

import { BEARER_PREFIX, SUBPROTOCOL } from '../protocol/index.ts';

/** A token and the name of its place; null: to be sent as the first message. */
export type OfferedToken = {
    readonly token: string | null;
    readonly where: 'header' | 'subprotocol' | 'query' | 'message';
};

/** Header before subprotocol before query. */
export function offeredToken(authorization: string, subprotocols: readonly string[], query: string): OfferedToken {
    const bearer = /^bearer(?: +(.*))?$/i.exec(authorization);
    if (bearer !== null) return { token: (bearer[1] ?? '').trim(), where: 'header' };
    const offered = subprotocols.find((name) => name.startsWith(BEARER_PREFIX));
    if (offered !== undefined) return { token: offered.slice(BEARER_PREFIX.length), where: 'subprotocol' };
    const asked = new URLSearchParams(query).get('token');
    return asked === null ? { token: null, where: 'message' } : { token: asked, where: 'query' };
}

/** The names in a `Sec-WebSocket-Protocol` header. */
export function parseSubprotocols(header: string): readonly string[] {
    return header === '' ? [] : header.split(',').map((name) => name.trim());
}

/** What is selected: ours if it was offered, never the one that holds a token. */
export function selectSubprotocol(offered: readonly string[]): string {
    return offered.includes(SUBPROTOCOL) ? SUBPROTOCOL : '';
}
