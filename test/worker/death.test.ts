/** A sender that dies between any two steps: the mail goes out once, or nobody can say; never twice. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SmtpBehaviour } from '../mail/smtp.ts';
import { type DoomedSender, type Fate, startDoomedSender } from './doomed-sender.ts';
import { DUE, type Mail, minutesLater, openPostOffice, type PostOffice } from './post-office.ts';

/** Where it dies: at the call of a function in the database, or when the mail server is at a step. */
type Death = { readonly fate?: Fate; readonly at?: keyof SmtpBehaviour };

let office: PostOffice;
let doomed: DoomedSender;
/** Whom the mail is for: somebody else in each test. */
let reader: string;
let readers = 0;

beforeAll(async () => {
    office = await openPostOffice();
});

beforeEach(() => {
    readers += 1;
    reader = `u${readers}`;
    office.smtp.arrived.length = 0;
});

afterEach(async () => {
    office.smtp.behave({});
    await doomed.kill();
});

afterAll(() => office.close());

/** Has a sender die over a mail. */
async function die({ fate, at }: Death): Promise<void> {
    await office.tell(reader);
    if (at !== undefined) office.smtp.behave({ [at]: () => doomed.kill() });
    doomed = startDoomedSender(office.database.url, office.smtp.url, fate);
    expect(await doomed.ended).toBe('SIGKILL');
    office.smtp.behave({});
}

/** Others go on: at once, when its leases have ended, a day later. */
async function goOn(): Promise<void> {
    const others = [office.sender(), office.sender()];
    for (const moment of [DUE, minutesLater(4), minutesLater(6), minutesLater(12), minutesLater(24 * 60 + 1)]) {
        await Promise.all(
            others.map(async (other) => {
                other.at(moment);
                await other.claim(['instant', 'hourly', 'daily', 'weekly']);
                await other.deliver();
            }),
        );
    }
}

/** The mails to the reader. */
async function mails(): Promise<readonly Mail[]> {
    return (await office.mails()).filter(({ user }) => user === reader);
}

describe('before the end of the mail was sent, another sends it:', () => {
    test.each<[string, Death, number]>([
        ['before it is claimed', { fate: { when: 'before', of: 'claim_digests' } }, 1],
        ['when it is claimed', { fate: { when: 'after', of: 'claim_digests' } }, 1],
        ['when it is taken up', { fate: { when: 'after', of: 'take_digests' } }, 2],
        ['when it is read', { fate: { when: 'after', of: 'digest_mails' } }, 2],
        ['when it has connected', { at: 'connect' }, 2],
        ['at MAIL', { at: 'from' }, 2],
        ['at RCPT', { at: 'rcpt' }, 2],
        ['at the first bytes of the data', { at: 'midway', fate: { when: 'instead', of: 'hand_over_digest' } }, 2],
        ['with all of it sent but the end', { fate: { when: 'before', of: 'hand_over_digest' } }, 2],
    ])('%s', async (_, death, attempt) => {
        await die(death);
        expect(office.copies()).toEqual([]);
        await goOn();
        expect(await mails()).toMatchObject([{ state: 'sent', attempt, told: 1 }]);
        expect(office.copies()).toEqual([1]);
    });
});

describe('when the end may have been sent, nobody sends it again, and it is told:', () => {
    test.each<[string, Death, number]>([
        ['when it was handed over', { fate: { when: 'after', of: 'hand_over_digest' } }, 0],
        ['when the end came, before the answer', { at: 'data' }, 1],
        ['when it was answered, before that is noted', { fate: { when: 'before', of: 'end_digest' } }, 1],
    ])('%s', async (_, death, copies) => {
        await die(death);
        expect(await mails()).toMatchObject([{ state: 'sending', attempt: 1 }]);
        await goOn();
        const reason = 'whoever was sending it died over it';
        expect(await mails()).toMatchObject([{ state: 'unknown', attempt: 1, told: 1, reason }]);
        expect(office.copies()).toEqual(copies === 0 ? [] : [copies]);
    });
});

test('when its end was noted, it was sent, once', async () => {
    await die({ fate: { when: 'after', of: 'end_digest' } });
    await goOn();
    expect(await mails()).toMatchObject([{ state: 'sent', attempt: 1, told: 1 }]);
    expect(office.copies()).toEqual([1]);
});

test('the mail after one that is unknown tells what came later, and nothing twice', async () => {
    await die({ at: 'data' });
    await goOn();
    await office.tell(reader);
    await office.database.sql`update tidings.notification set created_at = ${minutesLater(60)} where digest_id is null`;
    const other = office.sender();
    other.at(minutesLater(48 * 60));
    await other.claim(['daily']);
    await other.deliver();
    expect((await mails()).map(({ state, told }) => [state, told])).toEqual([
        ['unknown', 1],
        ['sent', 1],
    ]);
    expect(office.copies()).toEqual([1, 1]);
});
