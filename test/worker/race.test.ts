/** Many senders at once: every mail goes out once, whoever takes it up, is slow or dies. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSignal } from '../support/signal.ts';
import { type DoomedSender, startDoomedSender } from './doomed-sender.ts';
import { minutesLater, openPostOffice, type PostOffice, type Sender } from './post-office.ts';

const READERS = Array.from({ length: 200 }, (_, n) => `u${n + 1}`);
const ONCE_EACH = READERS.map(() => 1);

let office: PostOffice;
const processes: DoomedSender[] = [];

beforeAll(async () => {
    office = await openPostOffice();
});

beforeEach(() => office.clear());

afterEach(async () => {
    await Promise.all(processes.splice(0).map((process) => process.kill()));
});

afterAll(() => office.close());

/** A promise that is kept, or broken by an error, from outside. */
function deferred(): { resolve(error?: Error): void; readonly promise: Promise<void> } {
    let settle: (error?: Error) => void = () => undefined;
    const promise = new Promise<void>((resolve, reject) => {
        settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    return { resolve: (error) => settle(error), promise };
}

async function work(sender: Sender): Promise<void> {
    await sender.claim(['daily']);
    await sender.deliver();
}

/** How many mails are in each state. */
async function states(): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    for (const { state } of await office.mails()) counts[state] = (counts[state] ?? 0) + 1;
    return counts;
}

test.each([2, 4])('%i senders send each of 200 mails once', async (count) => {
    await office.tell(READERS);
    await Promise.all(Array.from({ length: count }, () => work(office.sender())));
    expect(await states()).toEqual({ sent: 200 });
    expect(office.copies()).toEqual(ONCE_EACH);
    expect(new Set(office.smtp.recipients).size).toBe(200);
});

describe('senders in processes of their own', () => {
    function start(): DoomedSender {
        const process = startDoomedSender(office.database.url, office.smtp.url);
        processes.push(process);
        return process;
    }

    test('send each of 200 mails once', async () => {
        await office.tell(READERS);
        expect(await Promise.all([start().ended, start().ended])).toEqual([0, 0]);
        expect(await states()).toEqual({ sent: 200 });
        expect(office.copies()).toEqual(ONCE_EACH);
    });

    test('lose nothing when one of them is killed in the thick of it', async () => {
        const enough = createSignal();
        office.smtp.behave({
            data: async () => enough.poke(),
        });
        await office.tell(READERS);
        const one = start();
        await enough.until(() => (office.smtp.arrived.length >= 30 ? true : undefined), '30 mails', 15_000);
        await one.kill();
        const others = [office.sender(), office.sender()];
        for (const minutes of [0, 6, 12]) {
            for (const other of others) other.at(minutesLater(minutes));
            await Promise.all(others.map(work));
        }
        const { sent = 0, unknown = 0, ...rest } = await states();
        expect(rest).toEqual({});
        expect(sent + unknown).toBe(200);
        // Those it was at, each over a connection of its own.
        expect(unknown).toBeLessThanOrEqual(5);
        expect(Math.max(...office.copies())).toBe(1);
        expect(office.copies().length).toBeGreaterThanOrEqual(sent);
    });
});

describe('a sender so slow that its lease has run out', () => {
    /** Has a sender work up to a step of the mail server, where it is held; the work that is left. */
    async function upTo(step: 'connect' | 'from' | 'rcpt' | 'data', sender: Sender, held: Promise<unknown>) {
        let done: Promise<void> | undefined;
        await new Promise<void>((resolve) => {
            const hold = () => {
                office.smtp.behave({});
                resolve();
                return held;
            };
            office.smtp.behave({ [step]: hold });
            done = work(sender);
        });
        return { left: done };
    }

    test.each(['connect', 'from', 'rcpt'] as const)('at %s is withdrawn, and another has sent it', async (step) => {
        const { resolve: goOn, promise: held } = deferred();
        await office.tell('u1');
        const [slow, other] = [office.sender(), office.sender()];
        const slowly = await upTo(step, slow, held);
        other.at(minutesLater(4));
        await work(other);
        expect(await office.mails()).toMatchObject([{ state: 'claimed', attempt: 1 }]);
        other.at(minutesLater(6));
        await work(other);
        expect(await office.mails()).toMatchObject([{ state: 'sent', attempt: 2 }]);
        goOn();
        await slowly.left;
        expect(await office.mails()).toMatchObject([{ state: 'sent', attempt: 2 }]);
        expect(office.copies()).toEqual([1]);
        expect(slow.seen.filter(({ type }) => type !== 'mail.claimed')).toEqual([]);
    });

    test('has no say in it while another is sending it', async () => {
        const { resolve: refuse, promise: refused } = deferred();
        const { resolve: accept, promise: accepted } = deferred();
        await office.tell('u1');
        const [slow, other, third] = [office.sender(), office.sender(), office.sender()];
        const slowly = await upTo('rcpt', slow, refused);
        other.at(minutesLater(6));
        const otherly = await upTo('data', other, accepted);
        refuse(Object.assign(new Error('later'), { responseCode: 450 }));
        await slowly.left;
        expect(await office.mails()).toMatchObject([{ state: 'sending', attempt: 2 }]);
        third.at(minutesLater(10));
        await work(third);
        accept();
        await otherly.left;
        expect(await office.mails()).toMatchObject([{ state: 'sent', attempt: 2 }]);
        expect(office.copies()).toEqual([1]);
    });

    test('while nobody else took it up sends it', async () => {
        await office.tell('u1');
        const slow = office.sender();
        office.smtp.behave({ rcpt: async () => slow.at(minutesLater(60)) });
        await work(slow);
        expect(await office.mails()).toMatchObject([{ state: 'sent', attempt: 1 }]);
        expect(office.copies()).toEqual([1]);
    });
});
