/** The faults of a run: each does its harm to an arena and mends it again, so that the next one meets a healthy one. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Arena } from './arena.ts';
import type { Outcome } from './history.ts';
import type { Reader } from './readers.ts';
import type { Server } from './servers.ts';

/** What a nemesis may lay hands on. */
export type Victims = {
    readonly arena: Arena;
    readonly readers: readonly Reader[];
    readonly random: () => number;
    readonly stallMs?: number;
    /** Notes where epochs begin. */
    readonly epochs: { gseq: number; epoch: string }[];
};

/** Does its harm; answers how much was really done: 0 is a fault that never fired. */
export type Nemesis = (victims: Victims) => Promise<number>;

const STALL_MS = 4000;

const pick = <T>(from: readonly T[], random: () => number): T => from[Math.floor(random() * from.length)] as T;
const aServer = ({ arena, random }: Victims): Server => pick(arena.servers, random);

/** Ends backends by the name of their connection. */
async function terminate({ sql }: Arena, name: string): Promise<number> {
    const rows = await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${name}`;
    return rows.length;
}

async function listenersKilled({ arena }: Victims): Promise<number> {
    let killed = 0;
    for (let n = 0; n < 6; n += 1) {
        killed += await terminate(arena, 'tidings doorbell');
        await delay(400);
    }
    return killed;
}

async function networkCut(victims: Victims): Promise<number> {
    return aServer(victims).proxy.cut();
}

async function networkSilent(victims: Victims): Promise<number> {
    const { proxy } = aServer(victims);
    const before = proxy.counts.droppedBytes;
    proxy.blackHole(true);
    await delay(4000);
    proxy.blackHole(false);
    return proxy.counts.droppedBytes - before;
}

async function networkSlow(victims: Victims): Promise<number> {
    const { proxy } = aServer(victims);
    const before = proxy.counts.forwardedBytes;
    proxy.slow({ delayMs: 60 });
    await delay(3000);
    proxy.slow(null);
    return proxy.counts.forwardedBytes - before;
}

async function databaseCrashed({ arena }: Victims): Promise<number> {
    await arena.crashDatabase();
    return 1;
}

async function serverKilled(victims: Victims): Promise<number> {
    const server = aServer(victims);
    await server.kill();
    await delay(300);
    await server.start();
    return 1;
}

async function serverFrozen(victims: Victims): Promise<number> {
    const server = aServer(victims);
    server.freeze();
    await delay(3000);
    server.thaw();
    return 1;
}

const sequencerKilled: Nemesis = ({ arena }) => terminate(arena, 'tidings sequencer');

async function clientsGone({ readers, random }: Victims): Promise<number> {
    const gone = readers.filter(() => random() < 0.5);
    for (const reader of gone) reader.vanish();
    return gone.length;
}

async function clientsStalled({ readers, random, stallMs = STALL_MS }: Victims): Promise<number> {
    const stalled = readers.filter(() => random() < 0.3);
    for (const reader of stalled) reader.stall(stallMs);
    await delay(stallMs);
    return stalled.length;
}

async function epochBegun({ arena, epochs }: Victims): Promise<number> {
    await arena.sql`select tidings.new_epoch()`;
    epochs.push(await currentEpoch(arena));
    return 1;
}

/** Where the epoch of now began. */
export async function currentEpoch({ sql }: Arena): Promise<Outcome['epochs'][number]> {
    const [row] = await sql<{ gseq: number; epoch: string }[]>`
        select min(r.gseq)::int as gseq, r.epoch
        from tidings.run r
        where r.epoch = (select n.epoch from tidings.run n order by n.run desc limit 1)
        group by r.epoch`;
    if (row === undefined) throw new Error('expected the sequencer to have begun an epoch, got none');
    return row;
}

/** For a moment the function that triggers call is not there: writes go on, their events are lost, and resets must say so. */
async function captureBroken({ arena: { sql } }: Victims): Promise<number> {
    const [before] = await sql<{ n: number }[]>`select count(*)::int as n from tidings.capture_error`;
    await sql`alter function tidings.append(text[], text[], jsonb[]) rename to append_broken`;
    await delay(250);
    await sql`alter function tidings.append_broken(text[], text[], jsonb[]) rename to append`;
    await delay(50);
    const [after] = await sql<{ n: number }[]>`select count(*)::int as n from tidings.capture_error`;
    return (after?.n ?? 0) - (before?.n ?? 0);
}

/** All of them by name. */
export const NEMESES: Readonly<Record<string, Nemesis>> = {
    'listeners killed': listenersKilled,
    'network cut': networkCut,
    'network silent': networkSilent,
    'network slow': networkSlow,
    'database crashed': databaseCrashed,
    'server killed': serverKilled,
    'server frozen': serverFrozen,
    'sequencer killed': sequencerKilled,
    'clients gone': clientsGone,
    'clients stalled': clientsStalled,
    'epoch begun': epochBegun,
    'capture broken': captureBroken,
};
