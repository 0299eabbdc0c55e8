/** How sending ends, against a real SMTP server that fails at each step on purpose. */

import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { composeMessage, createMailer, type Mailer, readSender, renderMail } from '../../src/mail/index.ts';
import { instant } from './mails.ts';
import { type Smtp, type SmtpBehaviour, startSmtp } from './smtp.ts';

const SENDER = readSender('Tasks <no-reply@tasks.example.com>');

function message(body = 'By Friday, please.') {
    const content = instant({ body });
    const links = {
        publicUrl: 'https://tasks.example.com',
        unsubscribeUrl: 'https://tasks.example.com/unsubscribe?token=x',
    };
    const settings = { sender: SENDER, unsubscribeUrl: links.unsubscribeUrl, date: new Date(0), dkim: null };
    return composeMessage(content, renderMail(content, links), settings);
}

let smtp: Smtp;
let mailer: Mailer;
const others: (() => Promise<unknown>)[] = [];

function mailerAt(url: string, options: { deadlineMs?: number } = {}): Mailer {
    const made = createMailer({ url, maxConnections: 2, connectTimeoutMs: 500, answerTimeoutMs: 500, ...options });
    others.push(made.close);
    return made;
}

beforeEach(async () => {
    smtp = await startSmtp();
    mailer = mailerAt(smtp.url);
});

afterEach(async () => {
    await Promise.all(others.splice(0).map((end) => end()));
    await smtp.close();
});

describe('a mail is sent', () => {
    test('and its server said what it took it on as', async () => {
        expect(await mailer.send(message())).toEqual({ type: 'sent', response: expect.stringMatching(/^250 /) });
        expect(smtp.arrived).toHaveLength(1);
        expect(smtp.recipients).toEqual(['ada@example.com']);
    });

    test('over a connection that is kept, of which there are never more than allowed', async () => {
        const outcomes = await Promise.all(Array.from({ length: 12 }, () => mailer.send(message())));
        expect(outcomes.every(({ type }) => type === 'sent')).toBe(true);
        expect([smtp.connections(), smtp.arrived.length]).toEqual([2, 12]);
    });

    test('though the server closed the idle connection meanwhile', async () => {
        await mailer.send(message());
        smtp.cut();
        expect(await mailer.send(message())).toMatchObject({ type: 'sent' });
        expect([smtp.connections(), smtp.arrived.length]).toEqual([2, 2]);
    });

    test('after one that was refused, over the same connection', async () => {
        smtp.behave({ rcpt: '550 5.1.1 no such user' });
        await mailer.send(message());
        smtp.behave({});
        expect(await mailer.send(message())).toMatchObject({ type: 'sent' });
        expect(smtp.connections()).toBe(1);
    });

    test('large and whole', async () => {
        const lines = Array.from({ length: 4000 }, (_, i) => `. line ${i}`).join('\n');
        expect(await mailer.send({ ...message(), text: lines })).toMatchObject({ type: 'sent' });
        expect((await smtp.mail()).text?.trim()).toBe(lines);
    });
});

describe('tried again, as it was certainly not accepted:', () => {
    test.each<[string, SmtpBehaviour]>([
        ['421 for a greeting', { connect: 421 }],
        ['554 for a greeting', { connect: '554 we do not know you' }],
        ['cut off before the greeting', { connect: 'cut' }],
        ['no greeting', { connect: 'hang' }],
        ['451 to MAIL', { from: 451 }],
        ['550 to MAIL, which is about the sender', { from: '550 5.1.8 bad sender' }],
        ['530 to MAIL, which asks for a login', { from: '530 5.7.0 authentication required' }],
        ['cut off at MAIL', { from: 'cut' }],
        ['450 to RCPT', { rcpt: '450 4.2.0 greylisted' }],
        ['550 to RCPT for a policy', { rcpt: '550 5.7.1 relaying denied' }],
        ['554 to RCPT for a policy without a code', { rcpt: '554 Relay access denied' }],
        ['550 to RCPT about the sender', { rcpt: '550 5.1.7 bad sender address' }],
        ['cut off at RCPT', { rcpt: 'cut' }],
        ['no answer to RCPT', { rcpt: 'hang' }],
        ['451 after the data', { data: '451 4.3.0 try later' }],
        ['452 after the data', { data: 452 }],
        ['421 after the data', { data: '421 closing' }],
        ['530 after the data', { data: '530 5.7.0 log in first' }],
    ])('%s', async (_, behaviour) => {
        smtp.behave(behaviour);
        expect(await mailer.send(message())).toEqual({ type: 'retry', reason: expect.stringMatching(/^.{1,300}$/) });
        smtp.behave({});
        expect(await mailerAt(smtp.url).send(message())).toMatchObject({ type: 'sent' });
    });

    test('nobody listens', async () => {
        await smtp.close();
        expect(await mailer.send(message())).toMatchObject({
            type: 'retry',
            reason: expect.stringContaining('ECONNREFUSED'),
        });
    });

    test('a name that is none', async () => {
        expect(await mailerAt('smtp://mail.invalid:25').send(message())).toMatchObject({ type: 'retry' });
    });

    test('a login that is refused, of which nothing is told', async () => {
        smtp.behave({ auth: '535 5.7.8 wrong password' });
        const outcome = await mailerAt(smtp.url.replace('//', '//ada:hunter2@')).send(message());
        expect(outcome).toMatchObject({ type: 'retry', reason: expect.stringContaining('535') });
        expect(JSON.stringify(outcome)).not.toContain('hunter2');
    });

    test('a certificate nobody vouches for', async () => {
        const tls = await startSmtp({ disabledCommands: [] });
        others.push(tls.close);
        expect(await mailerAt(tls.url).send(message())).toMatchObject({ type: 'retry' });
        expect(tls.arrived).toEqual([]);
    });

    test('STARTTLS that is required and not offered', async () => {
        expect(await mailerAt(`${smtp.url}?requireTLS=true`).send(message())).toMatchObject({ type: 'retry' });
        expect(smtp.arrived).toEqual([]);
    });

    test('cut off midway through the data, end not sent', async () => {
        smtp.behave({ midway: 'cut' });
        const begin = () => new Promise<boolean>((answer) => setTimeout(answer, 100, true));
        expect(await mailer.send(message(), begin)).toMatchObject({ type: 'retry' });
        expect(smtp.arrived).toEqual([]);
    });

    test('its turn did not come within the deadline', async () => {
        smtp.behave({ rcpt: 'hang' });
        const slow = createMailer({ url: smtp.url, maxConnections: 1, deadlineMs: 300, answerTimeoutMs: 5000 });
        others.push(slow.close);
        const outcomes = await Promise.all([slow.send(message()), slow.send(message())]);
        expect(outcomes).toEqual(
            Array(2).fill({ type: 'retry', reason: 'expected an answer within 300 ms, got none' }),
        );
    });

    test('it cannot be written at all', async () => {
        const broken = { ...message(), html: { path: '/etc/passwd' } as unknown as string };
        expect(await mailer.send(broken)).toMatchObject({ type: 'retry' });
    });
});

describe('rejected for good:', () => {
    test.each<[string, SmtpBehaviour, number, 'recipient' | 'message']>([
        ['no such mailbox', { rcpt: '550 5.1.1 no such user' }, 550, 'recipient'],
        ['no such mailbox, without a code', { rcpt: '550 unknown user' }, 550, 'recipient'],
        ['a mailbox that is closed', { rcpt: '550 5.2.1 disabled' }, 550, 'recipient'],
        ['a domain without mail', { rcpt: '556 5.1.10 null MX' }, 556, 'recipient'],
        ['a full mailbox, which says nothing of tomorrow', { rcpt: '552 5.2.2 over quota' }, 552, 'message'],
        ['no such mailbox, said after the data', { data: '550 5.1.1 no such user' }, 550, 'recipient'],
        ['what the mail says', { data: '554 5.7.1 looks like spam' }, 554, 'message'],
        ['550 after the data', { data: 550 }, 550, 'message'],
    ])('%s', async (_, behaviour, code, of) => {
        smtp.behave(behaviour);
        expect(await mailer.send(message())).toEqual({ type: 'rejected', reason: expect.any(String), code, of });
    });

    test('a mail larger than the server takes', async () => {
        const small = await startSmtp({ size: 500 });
        others.push(small.close);
        expect(await mailerAt(small.url).send(message())).toMatchObject({ type: 'rejected', of: 'message' });
    });
});

describe('unknown, as its end was sent and no answer came:', () => {
    test.each<[string, SmtpBehaviour]>([
        ['cut off', { data: 'cut' }],
        ['silence', { data: 'hang' }],
    ])('%s', async (_, behaviour) => {
        smtp.behave(behaviour);
        expect(await mailer.send(message())).toEqual({ type: 'unknown', reason: expect.any(String) });
        expect(smtp.arrived).toHaveLength(1);
    });

    test('cut off over a connection that was used before, and is not sent again by itself', async () => {
        await mailer.send(message());
        smtp.behave({ data: 'cut' });
        expect(await mailer.send(message())).toMatchObject({ type: 'unknown' });
        smtp.behave({});
        expect(await mailer.send(message())).toMatchObject({ type: 'sent' });
        expect(smtp.arrived).toHaveLength(3);
    });

    test('silence until the deadline', async () => {
        smtp.behave({ data: 'hang' });
        const slow = createMailer({ url: smtp.url, deadlineMs: 300, answerTimeoutMs: 5000 });
        others.push(slow.close);
        expect(await slow.send(message())).toMatchObject({
            type: 'unknown',
            reason: expect.stringContaining('300 ms'),
        });
    });

    test.each([
        ['an answer that breaks off', '250 2.0.0 o'],
        ['an answer that is no failure', '354 go ahead\r\n'],
        ['an answer that is none', 'hello\r\n'],
    ])('%s', async (_, answer) => {
        const server = await scripted(answer);
        expect(await mailerAt(server).send(message())).toMatchObject({ type: 'unknown' });
    });
});

describe('asked whether it may go out', () => {
    test('only when the server has all of it but the end', async () => {
        smtp.behave({ rcpt: '451 not now' });
        let asked = 0;
        const begin = async () => {
            asked += 1;
            expect(smtp.arrived).toEqual([]);
            return true;
        };
        await mailer.send(message(), begin);
        expect(asked).toBe(0);
        smtp.behave({});
        expect(await mailer.send(message(), begin)).toMatchObject({ type: 'sent' });
        expect(asked).toBe(1);
    });

    test('and not sent if not, nor the one after it kept waiting', async () => {
        expect(await mailer.send(message(), async () => false)).toEqual({ type: 'withdrawn' });
        expect(await mailer.send(message())).toMatchObject({ type: 'sent' });
        expect(smtp.arrived).toHaveLength(1);
    });

    test('and tried again if nobody could say', async () => {
        const outcome = await mailer.send(message(), () => Promise.reject(new Error('database away')));
        expect(outcome).toEqual({ type: 'retry', reason: 'database away' });
        expect(smtp.arrived).toEqual([]);
    });

    test('and is told how it ended only after the question is answered', async () => {
        let answered = false;
        const begin = async () => {
            smtp.cut();
            await new Promise((done) => setTimeout(done, 200));
            answered = true;
            return true;
        };
        expect(await mailer.send(message(), begin)).toMatchObject({ type: 'retry' });
        expect(answered).toBe(true);
        expect(smtp.arrived).toEqual([]);
    });
});

test('a mail that is refused midway never gets its end, and so can not be taken on after all', async () => {
    const seen: string[] = [];
    const server = createServer((socket) => {
        let data = false;
        socket.on('error', () => undefined);
        socket.write('220 here\r\n');
        socket.on('data', (chunk) => {
            const text = chunk.toString('latin1');
            seen.push(text);
            if (text.startsWith('DATA')) {
                data = true;
                socket.write('354 go\r\n');
            } else if (!data) socket.write('250 ok\r\n');
        });
        others.push(async () => socket.destroy());
        refuse = () => socket.write('552 5.3.4 too much\r\n');
    });
    let refuse: () => void = () => undefined;
    const begin = async () => {
        refuse();
        await new Promise((done) => setTimeout(done, 100));
        return true;
    };
    const outcome = await mailerAt(await listen(server)).send(message(), begin);
    expect(outcome).toMatchObject({ type: 'rejected', of: 'message', code: 552 });
    expect(seen.join('')).toContain('By Friday, please.');
    expect(seen.join('')).not.toContain('\r\n.\r\n');
});

test('closing waits for what is on its way and takes nothing more', async () => {
    const ended: string[] = [];
    let answer: (mayGo: boolean) => void = () => undefined;
    const asked = new Promise<void>((begun) => {
        const begin = () => {
            begun();
            return new Promise<boolean>((resolve) => {
                answer = resolve;
            });
        };
        void mailer.send(message(), begin).then(({ type }) => ended.push(type));
    });
    await asked;
    const closed = mailer.close().then(() => ended.push('closed'));
    answer(true);
    await closed;
    expect(ended).toEqual(['sent', 'closed']);
    expect(await mailer.send(message())).toMatchObject({ type: 'retry' });
});

/** A server that takes a mail's data and then says `answer` and hangs up. */
async function scripted(answer: string): Promise<string> {
    const server: Server = createServer((socket) => {
        let data = false;
        socket.on('error', () => undefined);
        socket.write('220 here\r\n');
        socket.on('data', (chunk) => {
            const text = chunk.toString('latin1');
            if (data) {
                if (text.endsWith('\r\n.\r\n')) socket.end(answer);
            } else if (text.startsWith('DATA')) {
                data = true;
                socket.write('354 go\r\n');
            } else socket.write('250 ok\r\n');
        });
    });
    return listen(server);
}

async function listen(server: Server): Promise<string> {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    others.push(() => new Promise((done) => server.close(done)));
    const address = server.address();
    return `smtp://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}
