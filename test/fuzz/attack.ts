/** One attacker after the other takes inputs from a common heap and sends them, until none is left. */

import { rawFrame, TEXT } from '../support/raw-frame.ts';
import type { Dice } from './dice.ts';
import { nextFrame } from './frames.ts';
import { Peer } from './peer.ts';
import { nextRequest, type RequestInput, type Route } from './requests.ts';

/** What attackers share. */
export type Raid = {
    readonly port: number;
    readonly dice: Dice;
    readonly routes: readonly Route[];
    /** Tokens of users there are. */
    readonly tokens: readonly string[];
    /** Takes an input from the heap; false if there is none, or no time. */
    take(): boolean;
    readonly kinds: Map<string, number>;
    readonly statuses: Map<string, number>;
    /** Handshakes and connections that were made, each after the end of the one before. */
    connections: number;
    wrong(what: string): void;
};

const PATIENCE_MS = 20_000;
const BATCH = 50;
/** How long an event stream, or a request that waits for events, is listened to. */
const LISTENING_MS = 200;

/** Sends frames, socket after socket. */
export async function attackSockets(raid: Raid): Promise<void> {
    for (let left = true; left; ) {
        const peer = new Peer(raid.port);
        left = await haveSocket(raid, peer);
        peer.destroy();
    }
}

/** False if no input is left. */
async function haveSocket(raid: Raid, peer: Peer): Promise<boolean> {
    peer.write(handshake(raid));
    const opened = await peer.until((read) => /^HTTP\/1\.1 [^\r]+\r\n.*\r\n\r\n/s.test(read), PATIENCE_MS);
    if (opened === 'late' || !peer.read.startsWith('HTTP/1.1 101'))
        raid.wrong(`a handshake was answered ${opened}: ${peer.read.slice(0, 80)}`);
    raid.connections += 1;
    for (let batch = 0; !peer.isClosed; batch += 1) {
        const sent = sendBatch(raid, peer);
        if (sent === 'none') return false;
        if (sent === 'fatal') {
            await peer.until(() => false, raid.dice.below(20));
            return true;
        }
        const mark = `"ref":"sync ${batch}"`;
        peer.write(rawFrame(TEXT, `{"type":"ping",${mark}}`));
        const waited = await peer.until((read) => read.includes(mark), PATIENCE_MS);
        if (waited === 'late') raid.wrong(`a socket neither answered nor ended: ${peer.read.slice(-200)}`);
        if (raid.dice.chance(0.02)) return true;
        peer.forget();
    }
    return true;
}

function sendBatch(raid: Raid, peer: Peer): 'sent' | 'none' | 'fatal' {
    for (let n = 0; n < BATCH; n += 1) {
        if (!raid.take()) return n === 0 ? 'none' : 'sent';
        const { kind, bytes, isFatal } = nextFrame(raid.dice);
        count(raid.kinds, kind);
        peer.write(bytes);
        if (isFatal) return 'fatal';
    }
    return 'sent';
}

function handshake({ dice, tokens }: Raid): string {
    const token = dice.chance(0.95) ? dice.pickAny(tokens) : dice.pick(['', 'a.b.c', 'x'.repeat(3000)]);
    const extra = dice.chance(0.1)
        ? `Sec-WebSocket-Protocol: ${dice.pick(['tidings.v1', 'x', 'tidings.v1, y'])}\r\n`
        : '';
    const deflate = dice.chance(0.1) ? 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n' : '';
    return (
        `GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nAuthorization: Bearer ${token}\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${extra}${deflate}\r\n`
    );
}

/** Sends requests, one after the other on a connection as long as it lives. */
export async function attackRoutes(raid: Raid): Promise<void> {
    let peer: Peer | null = null;
    while (raid.take()) {
        const input = nextRequest(raid.dice, raid.routes, raid.dice.pickAny(raid.tokens) ?? '');
        count(raid.kinds, input.kind);
        if (peer === null) raid.connections += 1;
        peer ??= new Peer(raid.port);
        const isReusable = await request(raid, peer, input);
        if (isReusable) continue;
        peer.destroy();
        peer = null;
    }
    peer?.destroy();
}

/** Whether the connection can be used again. */
async function request(raid: Raid, peer: Peer, input: RequestInput): Promise<boolean> {
    peer.forget();
    peer.write(input.bytes);
    if (!input.isWhole) peer.end();
    const isLong = /stream|events/.test(input.path) || !input.isWhole;
    const waited = await peer.until((read) => isAnswered(read, input.method), isLong ? LISTENING_MS : PATIENCE_MS);
    const [, status = waited] = /^HTTP\/1\.1 (\d{3})/.exec(peer.read) ?? [];
    count(raid.statuses, status);
    judge(raid, input, status, peer.read);
    return input.isWhole && waited === 'come' && !peer.isClosed && !/\r\nconnection: close/i.test(peer.read);
}

function judge(raid: Raid, { bytes, isWhole, path }: RequestInput, status: string, read: string): void {
    // The transport's own refusal of a line it can't read.
    const isOurs = status.startsWith('5') && status !== '505';
    const isSilent = isWhole && !/stream|events/.test(path) && !/^\d/.test(status);
    const isUnexplained = isWhole && /^4/.test(status) && !/content-type: application\/problem\+json/.test(read);
    if (isOurs || isSilent || (isUnexplained && !/^(400|431)$/.test(status)))
        raid.wrong(`${status} for ${JSON.stringify(bytes.toString('latin1').slice(0, 600))}: ${read.slice(0, 400)}`);
}

/** Whether all of an answer is there, or as much of a stream as shows that it is one. */
function isAnswered(read: string, method: string): boolean {
    const end = read.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = read.slice(0, end).toLowerCase();
    const length = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
    return method === 'HEAD' || read.length - end - 4 >= length;
}

function count(counts: Map<string, number>, name: string): void {
    counts.set(name, (counts.get(name) ?? 0) + 1);
}
