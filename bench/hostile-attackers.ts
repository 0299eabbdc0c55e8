/**
 * The attackers of hostile.ts, as a process of their own: gets its orders, begins at once, and tells when asked what it did
 * and how it was answered. All of them share one clock that ticks, so that each costs no more than what it sends.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { signToken } from '../src/auth/index.ts';
import { type Attack, attacks, CONNECTS_PER_SECOND } from './hostile-attacks.ts';
import { SECRET } from './server-process.ts';

/** What they are told. `since` and `epoch`: where the busy topic once was. */
export type AttackOrders = {
    readonly port: number;
    readonly attackers: number;
    readonly addresses: number;
    readonly past: { readonly since: number; readonly epoch: string };
};
/** What they tell of each attack: answers and ends by status, close code, or `cut` for neither. */
export type AttackReport = {
    readonly name: string;
    readonly attackers: number;
    readonly connected: number;
    readonly sent: number;
    readonly heard: Readonly<Record<string, number>>;
};

const TICK_MS = 50;
/** What an attacker lets lie unsent before it waits. */
const MOST_UNSENT_BYTES = 2 * 1024 * 1024;

type Tally = { connected: number; sent: number; readonly heard: Record<string, number> };

/** One attacker: connects, does what its attack says, and comes back when closed. */
class Attacker {
    readonly #attack: Attack;
    readonly #hello: Buffer;
    readonly #port: number;
    readonly #tally: Tally;
    #socket: Socket | null = null;
    #isOpen = false;
    /** For an answer; requests are one at a time. */
    #isWaiting = false;
    #owed = 0;
    #turn = 0;
    #mayConnectMs = 0;
    #tail: Buffer = Buffer.alloc(0);

    constructor(attack: Attack, hello: Buffer, port: number, tally: Tally) {
        this.#attack = attack;
        this.#hello = hello;
        this.#port = port;
        this.#tally = tally;
    }

    tick(nowMs: number): void {
        if (this.#socket === null) {
            if (nowMs >= this.#mayConnectMs) this.#connect(nowMs);
            return;
        }
        const { shots, shotsPerSecond = 0, again = 0 } = this.#attack;
        const perTick = ((shotsPerSecond + again) * TICK_MS) / 1000;
        if (!this.#isOpen || perTick === 0 || (again > 0 && this.#isWaiting)) return;
        this.#owed = Math.min(this.#owed + perTick, 1 + perTick);
        const parts: Buffer[] = [];
        for (; this.#owed >= 1; this.#owed -= 1) parts.push(shots?.[this.#turn++ % shots.length] ?? this.#hello);
        if (parts.length === 0 || this.#socket.writableLength > MOST_UNSENT_BYTES) return;
        this.#isWaiting = true;
        this.#tally.sent += parts.length;
        this.#socket.write(Buffer.concat(parts));
    }

    #connect(nowMs: number): void {
        this.#mayConnectMs = nowMs + 1000 / CONNECTS_PER_SECOND;
        this.#isOpen = false;
        this.#isWaiting = true;
        this.#tail = Buffer.alloc(0);
        this.#tally.connected += 1;
        const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
        this.#socket = socket;
        socket.on('error', () => undefined);
        socket.on('data', (chunk) => this.#hear(chunk));
        socket.on('close', () => this.#ended());
        socket.write(this.#hello);
        if (this.#attack.isSocket !== true) this.#isOpen = true;
    }

    #hear(chunk: Buffer): void {
        this.#tail = chunk;
        this.#isWaiting = false;
        if (this.#isOpen && this.#attack.isSocket === true) return;
        const head = chunk.toString('latin1');
        for (const [, status = ''] of head.matchAll(/HTTP\/1\.1 (\d+)/g)) this.#count(status);
        if (this.#attack.leaves === true) this.#socket?.resetAndDestroy();
        else if (head.startsWith('HTTP/1.1 101')) this.#opened();
    }

    #opened(): void {
        const { first, isDeaf, isSocket } = this.#attack;
        if (isSocket !== true) return;
        this.#isOpen = true;
        if (first !== undefined) this.#socket?.write(first);
        if (isDeaf === true) this.#socket?.pause();
    }

    #ended(): void {
        this.#socket = null;
        this.#count(closeCodeIn(this.#tail) ?? 'cut');
    }

    #count(what: string): void {
        const { heard } = this.#tally;
        heard[what] = (heard[what] ?? 0) + 1;
    }
}

/** The code of the close frame at the end of what came, if there is one. */
function closeCodeIn(tail: Buffer): string | null {
    for (let at = tail.length - 4; at >= Math.max(0, tail.length - 127); at -= 1) {
        if (tail[at] === 0x88 && tail[at + 1] === tail.length - at - 2) return String(tail.readUInt16BE(at + 2));
    }
    return null;
}

const [orders] = (await once(process, 'message')) as [AttackOrders];
const { port, attackers: count, addresses, past } = orders;
const kinds = attacks(past);
const tallies = kinds.map((): Tally => ({ connected: 0, sent: 0, heard: {} }));
const attackers: Attacker[] = [];
for (let n = 0; n < count; n += 1) {
    const kind = n % kinds.length;
    const [attack, tally] = [kinds[kind], tallies[kind]];
    if (attack === undefined || tally === undefined) continue;
    const token = await signToken(SECRET, `evil-${n}`, 24 * 3_600_000);
    const hello = Buffer.from(attack.hello(token, `X-Forwarded-For: 198.51.100.${1 + (n % addresses)}\r\n`));
    attackers.push(new Attacker(attack, hello, port, tally));
}
setInterval(() => {
    const nowMs = performance.now();
    for (const attacker of attackers) attacker.tick(nowMs);
}, TICK_MS);
process.on('message', () => {
    process.send?.(
        kinds.map(({ name }, kind): AttackReport => {
            const { connected = 0, sent = 0, heard = {} } = tallies[kind] ?? {};
            return {
                name,
                attackers: Math.floor((count + kinds.length - 1 - kind) / kinds.length),
                connected,
                sent,
                heard,
            };
        }),
    );
});
process.send?.('ready');
