/**
 * The clients of storm.ts, as a process of their own: gets its orders, opens all sockets at once when told to go, reports when
 * every client is live, and once more when every client has what was written meanwhile.
 */

import { once } from 'node:events';
import { signToken } from '../src/auth/index.ts';
import { RawSocket, seqOf } from './raw-socket.ts';
import { SECRET } from './server-process.ts';

/** Where a topic stands. */
export type Place = { readonly topic: string; readonly head: number; readonly epoch: string };
/** What the clients are told. */
export type Orders = { readonly port: number; readonly clients: number; readonly places: readonly Place[] };
/** What they tell. */
export type Report = {
    /** From the storm's begin to each client's last event of those it had missed, ascending. */
    readonly liveMs: readonly number[];
    /** Clients that got their past and no reset. */
    readonly resumed: number;
    readonly events: number;
    /** Events that did not follow on the one before. */
    readonly holes: number;
};

/** Each client has missed from 1 to this many events of its topic. */
const MISSED = 500;
/** Handshakes under way at once: more would overflow the accept queue, and SYN retries would be measured. */
const HANDSHAKES = 400;

/** One client of one topic. */
class Client {
    readonly topic: string;
    last: number;
    resumed = false;
    events = 0;
    holes = 0;
    #goal = Number.POSITIVE_INFINITY;

    constructor(n: number, { topic, head }: Place) {
        this.topic = topic;
        this.last = head - 1 - ((n * 7919) % MISSED);
    }

    /** Whether all that was missed is there. */
    get live(): boolean {
        return this.last >= this.#goal;
    }

    hear(text: string): void {
        const seq = seqOf(text);
        if (seq !== null) {
            this.holes += seq === this.last + 1 ? 0 : 1;
            this.events += 1;
            this.last = seq;
        } else if (text.startsWith('{"type":"subscribed"')) {
            const { seq: head, outcome } = JSON.parse(text) as { seq: number; outcome: string };
            this.#goal = head;
            this.resumed = outcome === 'resumed';
            if (!this.resumed) this.last = head;
        }
    }
}

const [{ port, clients: count, places }] = (await once(process, 'message')) as [Orders];
const tokens = await Promise.all(Array.from({ length: count }, (_, n) => signToken(SECRET, `u${n}`, 3_600_000)));
const clients = tokens.map((_, n) => new Client(n, places[n % places.length] ?? { topic: '', head: 0, epoch: '' }));
process.send?.('ready');
await once(process, 'message');

const startedMs = performance.now();
const liveMs: number[] = [];
let shakingHands = 0;
let onOpened: () => void = () => undefined;
let onHeard: () => void = () => undefined;

function open(client: Client, token: string): void {
    const { topic, last } = client;
    shakingHands += 1;
    const { socket } = new RawSocket({
        port,
        token,
        onOpen: (opened) => {
            shakingHands -= 1;
            opened.say({
                type: 'subscribe',
                topic,
                since: last,
                epoch: places.find((one) => one.topic === topic)?.epoch,
            });
            onOpened();
        },
        onText: (text) => {
            const wasLive = client.live;
            client.hear(text);
            if (client.live && !wasLive) liveMs.push(performance.now() - startedMs);
            onHeard();
        },
        onEnd: () => {
            console.error(`expected a client to stay connected, got its end after ${socket.bytesRead} bytes`);
            process.exit(1);
        },
    });
}

/** Reports as soon as something holds. */
async function report(holds: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
        onHeard = () => {
            if (holds()) resolve();
        };
        onHeard();
    });
    const sum = (of: (client: Client) => number) => clients.reduce((total, client) => total + of(client), 0);
    process.send?.({
        liveMs: liveMs.toSorted((a, b) => a - b),
        resumed: sum(({ resumed }) => Number(resumed)),
        events: sum(({ events }) => events),
        holes: sum(({ holes }) => holes),
    } satisfies Report);
}

for (const [n, client] of clients.entries()) {
    open(client, tokens[n] ?? '');
    while (shakingHands >= HANDSHAKES) {
        await new Promise<void>((resolve) => {
            onOpened = resolve;
        });
    }
}
await report(() => liveMs.length === count);
const [ends] = (await once(process, 'message')) as [readonly Place[]];
const heads = new Map(ends.map(({ topic, head }) => [topic, head]));
await report(() => clients.every(({ topic, last }) => last === heads.get(topic)));
