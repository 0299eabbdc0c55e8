/** How sending ends, the whole way from the mail server's answer to what is noted, and what comes of it. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type SmtpBehaviour, startSmtp } from '../mail/smtp.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { DUE, minutesLater, openPostOffice, type PostOffice, type Sender } from './post-office.ts';

const DAY = 24 * 60;

let office: PostOffice;
let sender: Sender;

beforeAll(async () => {
    office = await openPostOffice();
    await office.database.sql.unsafe(`
        create function public.leave(who text) returns void language sql as $$ insert into public.guest values (who, 1) $$;
        create function public.lose_address(who text) returns void language sql as
            $$ update public.person p set email = null where p.id = who $$`);
});

beforeEach(async () => {
    await office.clear();
    sender = office.sender();
    await office.tell('u1');
    await sender.claim(['daily']);
});

afterAll(() => office.close());

/** Sends what is due at a moment, over a mail server that behaves like this. */
async function deliver(behaviour: SmtpBehaviour, at?: Date): Promise<void> {
    office.smtp.behave(behaviour);
    if (at !== undefined) sender.at(at);
    await sender.deliver();
}

const suppressed = () => office.database.sql`select address, reason from tidings.suppression`;

describe('what was certainly not accepted', () => {
    test.each<[string, SmtpBehaviour]>([
        ['451 at RCPT', { rcpt: '451 4.7.1 greylisted' }],
        ['421 at the greeting', { connect: 421 }],
        ['cut off amid the data', { midway: 'cut' }],
        ['452 to the whole mail', { data: '452 4.3.1 no room' }],
    ])('is sent later: %s', async (_, behaviour) => {
        await deliver(behaviour);
        const [first] = await office.mails();
        expect(first).toMatchObject({ state: 'claimed', attempt: 1, nextAt: minutesLater(0.5), endedAt: null });
        expect(first?.reason).toEqual(expect.any(String));
        office.smtp.arrived.length = 0;
        await deliver({}, minutesLater(0.4));
        expect(office.copies()).toEqual([]);
        await deliver({}, minutesLater(0.5));
        expect(await office.mails()).toMatchObject([{ state: 'sent', attempt: 2, endedAt: minutesLater(0.5) }]);
        expect(office.copies()).toEqual([1]);
    });

    test('is tried later and later, and given up a day after it was claimed', async () => {
        const waits: number[] = [];
        let at = DUE;
        for (let tries = 1; tries < 60; tries += 1) {
            await deliver({ rcpt: 450 }, at);
            const [mail] = await office.mails();
            if (mail === undefined || mail.state !== 'claimed') break;
            waits.push((mail.nextAt.getTime() - at.getTime()) / 60_000);
            at = mail.nextAt;
        }
        expect(waits.slice(0, 9)).toEqual([0.5, 1, 2, 4, 8, 16, 32, 60, 60]);
        expect(at.getTime()).toBeGreaterThan(minutesLater(DAY).getTime());
        expect(await office.mails()).toMatchObject([{ state: 'failed', told: 1, endedAt: at }]);
        expect(await suppressed()).toEqual([]);
        await deliver({}, minutesLater(3 * DAY));
        expect(office.copies()).toEqual([]);
    });

    test('while no mail server is there waits for it', async () => {
        await office.tell(['u2', 'u3']);
        const away = await startSmtp();
        const { port } = new URL(away.url);
        await away.close();
        const patient = office.sender({ smtpUrl: away.url });
        await patient.claim(['daily']);
        for (const minutes of [0, 1, 3]) {
            patient.at(minutesLater(minutes));
            await patient.deliver();
        }
        expect((await office.mails()).map(({ state, attempt }) => [state, attempt])).toEqual(
            Array(3).fill(['claimed', 3]),
        );
        const again = await startSmtp({}, Number(port));
        patient.at(minutesLater(10));
        await patient.deliver();
        await again.close();
        expect((await office.mails()).map(({ state }) => state)).toEqual(['sent', 'sent', 'sent']);
        expect(new Set(again.recipients).size).toBe(3);
        expect(again.arrived.length).toBe(3);
    });
});

describe('what was refused for good', () => {
    test('for the address is never sent again, and nor is any other mail to it', async () => {
        await deliver({ rcpt: '550 5.1.1 no such user' });
        expect(await office.mails()).toMatchObject([{ state: 'failed', attempt: 1, endedAt: DUE }]);
        const [{ address, reason } = {}] = await suppressed();
        expect([address, reason]).toEqual(['u1@example.org', expect.stringContaining('550 5.1.1 no such user')]);
        await deliver({}, minutesLater(DAY / 2));
        await office.tell('u1');
        await deliverNextDay();
        expect((await office.mails()).map((mail) => [mail.state, mail.reason])).toEqual([
            ['failed', reason],
            ['skipped', `suppressed: ${reason}`],
        ]);
        expect(office.copies()).toEqual([]);
    });

    test('for the mail leaves the address', async () => {
        await deliver({ data: '552 5.3.4 too large' });
        expect(await office.mails()).toMatchObject([{ state: 'failed', attempt: 1 }]);
        expect(await suppressed()).toEqual([]);
        office.smtp.arrived.length = 0;
        await office.tell('u1');
        await deliverNextDay();
        expect((await office.mails()).map(({ state }) => state)).toEqual(['failed', 'sent']);
        expect(office.copies()).toEqual([1]);
    });

    test('before a server was asked, as the address is none', async () => {
        await office.database.sql`update public.person set email = 'u1 at example.org' where id = 'u1'`;
        await deliver({});
        const reason = 'expected a mail address, got "u1 at example.org"';
        expect(await office.mails()).toMatchObject([{ state: 'failed', attempt: 1, reason }]);
        expect(await suppressed()).toEqual([]);
        expect(office.smtp.recipients).toEqual([]);
    });

    async function deliverNextDay(): Promise<void> {
        const next = minutesLater(2 * DAY);
        await office.database
            .sql`update tidings.notification set created_at = ${minutesLater(DAY)} where digest_id is null`;
        sender.at(next);
        await sender.claim(['daily']);
        await deliver({}, next);
    }
});

test('what was cut off after its end is unknown, and never sent again', async () => {
    await deliver({ data: 'cut' });
    expect(await office.mails()).toMatchObject([{ state: 'unknown', attempt: 1, told: 1, endedAt: DUE }]);
    await deliver({}, minutesLater(DAY));
    expect(await office.mails()).toMatchObject([{ state: 'unknown', attempt: 1, told: 1 }]);
    expect(office.copies()).toEqual([1]);
});

describe('the database is away', () => {
    test('between the end of the mail and what is noted of it, and is told then', async () => {
        const proxy = await startTcpProxy(office.database.url);
        try {
            const far = office.sender({ databaseUrl: proxy.through(office.database.url) });
            office.smtp.behave({
                data: async () => {
                    proxy.refuse(true);
                    proxy.cut();
                    // Back when it was asked for in vain.
                    const back = setInterval(() => {
                        if (proxy.counts.refused === 0) return;
                        clearInterval(back);
                        proxy.refuse(false);
                    }, 5);
                },
            });
            await far.deliver();
            expect(proxy.counts.refused).toBeGreaterThan(0);
            expect(await office.mails()).toMatchObject([{ state: 'sent', attempt: 1 }]);
            expect(office.copies()).toEqual([1]);
        } finally {
            await proxy.stop();
        }
    });

    test('when the mail is about to be handed over: it is sent later, once', async () => {
        const proxy = await startTcpProxy(office.database.url);
        try {
            const far = office.sender({ databaseUrl: proxy.through(office.database.url) });
            office.smtp.behave({
                rcpt: async () => {
                    office.smtp.behave({});
                    proxy.cut();
                },
            });
            await far.deliver();
            for (const minutes of [1, 6, 12]) {
                far.at(minutesLater(minutes));
                await far.deliver();
            }
            expect(await office.mails()).toMatchObject([{ state: 'sent' }]);
            expect(office.copies()).toEqual([1]);
        } finally {
            await proxy.stop();
        }
    });
});

describe('what is looked at again before it is sent', () => {
    const NOTHING = 'nothing left to tell';

    test.each<[string, string, string]>([
        ['was read', `tidings.mark_all_read('u1')`, NOTHING],
        [
            'was archived',
            `tidings.archive_notification('u1', n.id) from tidings.notification n where n.user_id = 'u1'`,
            NOTHING,
        ],
        ['is not wanted by mail any more', `tidings.set_preference('u1', '*', 'email', 'off')`, NOTHING],
        ['may not be seen any more', `public.leave('u1')`, NOTHING],
        ['has an address not to be written to', `tidings.suppress('U1@example.org', 'asked')`, 'suppressed: asked'],
        ['has nobody to be sent to', `public.lose_address('u1')`, 'no address'],
    ])('and %s, is skipped', async (_, meanwhile, reason) => {
        await office.database.sql.unsafe(`select ${meanwhile}`);
        await deliver({});
        expect(await office.mails()).toMatchObject([{ state: 'skipped', attempt: 1, told: 1, reason, endedAt: DUE }]);
        expect(office.copies()).toEqual([]);
        await deliver({}, minutesLater(DAY));
        expect(office.smtp.recipients).toEqual([]);
    });

    test('tells only what is left', async () => {
        await office.tell('u2');
        await office.tell('u2', { topic: 'room:2' });
        await sender.claim(['daily']);
        await office.database.sql`insert into public.guest values ('u2', 2)`;
        await deliver({});
        expect(await office.mails()).toMatchObject([{ state: 'sent' }, { state: 'sent', told: 2 }]);
        expect(office.smtp.arrived.find((mail) => mail.includes('u2@example.org'))).toContain('Subject: 1 note');
    });

    test('when its turn has come, not when many were taken up', async () => {
        await office.tell(['u2', 'u3', 'u4']);
        const one = office.sender({ connections: 1 });
        await one.claim(['daily']);
        office.smtp.behave({
            rcpt: async () => {
                office.smtp.behave({});
                await office.database.sql`select tidings.mark_all_read(u) from unnest('{u1,u2,u3,u4}'::text[]) u`;
            },
        });
        await one.deliver();
        const ends = (await office.mails()).map(({ state }) => state).sort();
        expect(ends).toEqual(['sent', 'skipped', 'skipped', 'skipped'].sort());
        expect(office.copies()).toEqual([1]);
    });
});
