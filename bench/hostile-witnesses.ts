/**
 * The well-behaved clients of hostile.ts, as a process of their own: each reads one topic, pings now and then, comes back now
 * and then with `since`, and looks at every seq. Tells when asked how late events were and what was wrong.
 */

import { once } from 'node:events';
import { signToken } from '../src/auth/index.ts';
import { at } from './quantile.ts';
import { type RawEnd, RawSocket, seqOf } from './raw-socket.ts';
import { SECRET } from './server-process.ts';

/** Where a topic stands. */
export type Place = { readonly topic: string; readonly head: number; readonly epoch: string };
/** What they are told. */
export type WitnessOrders = {
    readonly port: number;
    readonly clients: number;
    readonly addresses: number;
    readonly places: readonly Place[];
};
/** What they tell of the time since they were asked last. */
export type WitnessReport = {
    readonly events: number;
    /** Of live events, from the sending of the statement to the frame: ascending, thinned out evenly. */
    readonly lateMs: readonly number[];
    /** From connecting to the answer to a subscribe. */
    readonly joinMs: readonly number[];
    /** From a ping to its pong. */
    readonly pongMs: readonly number[];
    /** Events that did not follow on the one before, and subscriptions that were reset. */
    readonly holes: number;
    readonly resets: number;
    /** Ends they did not ask for, by status and close code, and errors they were told. */
    readonly ends: Readonly<Record<string, number>>;
    /** Since they were started. */
    readonly total: { readonly events: number; readonly holes: number; readonly resets: number };
    /** Clients that are not where their topic is, if its head was told. */
    readonly behind: number;
};

const HANDSHAKES = 100;
const PING_EVERY_MS = 15_000;
/** Of all clients together. */
const COMEBACKS_PER_SECOND = 5;
const STEPS = 10_000;
const THEIR_WAIT_MS = 2000;

let [events, holes, resets] = [0, 0, 0];
let total = { events, holes, resets };
let [lateMs, joinMs, pongMs]: [number[], number[], number[]] = [[], [], []];
let ends: Record<string, number> = {};

/** One client of one topic. */
class Witness {
    readonly place: Place;
    last = -1;
    readonly #token: string;
    readonly #headers: string;
    #raw: RawSocket | null = null;
    #begunMs = 0;
    #pingedMs = 0;
    #head = -1;
    #joined: () => void = () => undefined;

    constructor(place: Place, token: string, headers: string) {
        this.place = place;
        this.#token = token;
        this.#headers = headers;
    }

    /** Resolves when it has been let in. */
    connect(): Promise<void> {
        const joined = new Promise<void>((resolve) => {
            this.#joined = resolve;
        });
        this.#begunMs = performance.now();
        const raw = new RawSocket({
            port,
            token: this.#token,
            headers: this.#headers,
            onOpen: (opened) => this.#subscribe(opened),
            onText: (text) => {
                if (raw === this.#raw) this.#hear(text);
            },
            onEnd: (end) => {
                if (raw === this.#raw) this.#ended(end);
            },
        });
        this.#raw = raw;
        return joined;
    }

    ping(): void {
        this.#pingedMs = performance.now();
        this.#raw?.say({ type: 'ping' });
    }

    /** Goes, and is back at once. */
    comeBack(): void {
        const gone = this.#raw;
        void this.connect();
        gone?.socket.destroy();
    }

    #subscribe(opened: RawSocket): void {
        const { topic, epoch } = this.place;
        opened.say({ type: 'subscribe', topic, ...(this.last >= 0 && { since: this.last, epoch }) });
    }

    #hear(text: string): void {
        const seq = seqOf(text);
        if (seq !== null) this.#take(seq, text);
        else if (text.startsWith('{"type":"subscribed"')) this.#enter(JSON.parse(text));
        else if (text.startsWith('{"type":"pong"')) pongMs.push(performance.now() - this.#pingedMs);
        else if (text.startsWith('{"type":"reset"')) resets += 1;
        else if (text.startsWith('{"type":"error"')) count(/"code":"(\w+)"/.exec(text)?.[1] ?? 'error');
    }

    #enter({ seq, outcome }: { readonly seq: number; readonly outcome: string }): void {
        joinMs.push(performance.now() - this.#begunMs);
        if (outcome === 'reset') resets += 1;
        if (outcome !== 'resumed') this.last = seq;
        this.#head = seq;
        this.#joined();
    }

    #take(seq: number, text: string): void {
        events += 1;
        if (seq !== this.last + 1) holes += 1;
        this.last = seq;
        // What it missed while it was away is late by that.
        if (seq <= this.#head) return;
        const from = text.indexOf('"t":') + 4;
        lateMs.push(nowMs() - Number.parseFloat(text.slice(from, from + 20)));
    }

    #ended({ status, code }: RawEnd): void {
        count(status === 101 ? `closed ${code}` : `status ${status}`);
        this.#raw = null;
        setTimeout(() => void this.connect(), Math.random() * THEIR_WAIT_MS);
    }
}

function nowMs(): number {
    return performance.timeOrigin + performance.now();
}

function count(what: string): void {
    ends[what] = (ends[what] ?? 0) + 1;
}

function thinned(times: readonly number[]): readonly number[] {
    const sorted = times.toSorted((a, b) => a - b);
    return sorted.length > STEPS ? Array.from({ length: STEPS + 1 }, (_, n) => at(sorted, n / STEPS)) : sorted;
}

function report(heads: ReadonlyMap<string, number> | null): WitnessReport {
    const behind = witnesses.filter(({ place, last }) => last !== (heads?.get(place.topic) ?? last)).length;
    const times = { lateMs: thinned(lateMs), joinMs: thinned(joinMs), pongMs: thinned(pongMs) };
    total = { events: total.events + events, holes: total.holes + holes, resets: total.resets + resets };
    const told = { ...times, total, events, holes, resets, ends, behind };
    [events, holes, resets] = [0, 0, 0];
    [lateMs, joinMs, pongMs] = [[], [], []];
    ends = {};
    return told;
}

const [orders] = (await once(process, 'message')) as [WitnessOrders];
const { port, clients, addresses, places } = orders;
const witnesses: Witness[] = [];
for (let n = 0; n < clients; n += 1) {
    const place = places[n % places.length] ?? { topic: '', head: 0, epoch: '' };
    const [high, low] = [(n % addresses) >> 8, (n % addresses) & 255];
    const token = await signToken(SECRET, `good-${n}`, 24 * 3_600_000);
    witnesses.push(new Witness(place, token, `X-Forwarded-For: 10.1.${high}.${low}\r\n`));
}
for (let n = 0; n < clients; n += HANDSHAKES) {
    await Promise.all(witnesses.slice(n, n + HANDSHAKES).map((witness) => witness.connect()));
}
const pick = () => witnesses[Math.floor(Math.random() * clients)];
setInterval(() => pick()?.ping(), PING_EVERY_MS / clients);
const comebacks = setInterval(() => pick()?.comeBack(), 1000 / COMEBACKS_PER_SECOND);
process.on('message', (heads: readonly Place[] | 'report') => {
    if (heads === 'report') process.send?.(report(null));
    else {
        clearInterval(comebacks);
        process.send?.(report(new Map(heads.map(({ topic, head }) => [topic, head]))));
    }
});
process.send?.('ready');
