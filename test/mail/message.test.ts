/** What arrives: the headers and parts of a mail, read by a parser, whatever its texts try. */

import { createHash, createVerify, generateKeyPairSync } from 'node:crypto';
import type { HeaderLines } from 'mailparser';
import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
    createMailer,
    createSendMail,
    createUnsubscribe,
    createWriteMail,
    type MailContent,
    type Mailer,
    readDkim,
    readSender,
} from '../../src/mail/index.ts';
import { DIGEST, instant } from './mails.ts';
import { type Smtp, startSmtp } from './smtp.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const DKIM = readDkim({ domain: 'tasks.example.com', selector: 'tidings', privateKey: PEM });
const SENDER = readSender('Tasks <no-reply@tasks.example.com>');
const UNSUBSCRIBE = createUnsubscribe('a secret of more than thirty-two bytes');
const ALLOWED = [
    'auto-submitted',
    'content-type',
    'date',
    'from',
    'list-id',
    'list-unsubscribe',
    'list-unsubscribe-post',
    'message-id',
    'mime-version',
    'subject',
    'to',
    'x-auto-response-suppress',
];

let smtp: Smtp;
let mailer: Mailer;

beforeAll(async () => {
    smtp = await startSmtp();
    mailer = createMailer({ url: smtp.url });
});
afterAll(async () => {
    await mailer.close();
    await smtp.close();
});

type Settings = { readonly publicUrl?: string; readonly signed?: boolean; readonly from?: string };

function sender({ publicUrl = 'https://tasks.example.com', signed = false, from }: Settings) {
    const write = createWriteMail({
        sender: from === undefined ? SENDER : readSender(from),
        publicUrl,
        unsubscribe: UNSUBSCRIBE,
        dkim: signed ? DKIM : null,
        now: () => new Date('2026-11-03T17:00:00Z'),
    });
    return createSendMail(write, mailer);
}

async function deliver(content: MailContent, settings: Settings = {}) {
    const outcome = await sender(settings)(content, async () => true);
    expect(outcome.type).toBe('sent');
    const raw = smtp.arrived.at(-1) ?? '';
    const mail = await smtp.mail();
    return { outcome, raw, mail, headers: mail.headerLines, recipients: smtp.recipients.splice(0) };
}

function line(headers: HeaderLines, key: string): string | undefined {
    return headers.find((header) => header.key === key)?.line;
}

test('has one recipient, both parts, and every header once', async () => {
    const { mail, headers, recipients, outcome } = await deliver(DIGEST);
    expect(recipients).toEqual(['ada@example.com']);
    expect(headers.map(({ key }) => key).sort()).toEqual(ALLOWED);
    expect(mail.subject).toBe('5 comments, 3 assigned to you, 1 overdue');
    expect([mail.from?.text, [mail.to].flat()[0]?.text]).toEqual([
        '"Tasks" <no-reply@tasks.example.com>',
        '"Ada Lovelace" <ada@example.com>',
    ]);
    expect(mail.date).toEqual(new Date('2026-11-03T17:00:00Z'));
    expect(line(headers, 'auto-submitted')).toBe('Auto-Submitted: auto-generated');
    expect(line(headers, 'list-id')).toMatch(/^List-Id: <notifications\.tasks\.example\.com>$/i);
    expect(mail.text).toContain('* [Important] Renew the certificate is overdue');
    expect(mail.html).toContain('Renew the certificate is overdue</a>');
    expect(mail.attachments).toEqual([]);
    expect(outcome).toMatchObject({ reason: expect.stringMatching(/^250/), messageId: mail.messageId });
});

test('has the same id each time, another for another mail, and none that shows the user', async () => {
    const [first, again, other] = [
        await deliver(DIGEST),
        await deliver(DIGEST, { signed: true }),
        await deliver(instant()),
    ];
    expect(first.mail.messageId).toBe(again.mail.messageId);
    expect(first.mail.messageId).not.toBe(other.mail.messageId);
    expect(first.mail.messageId).toMatch(/^<tidings\.[0-9a-f]{40}@tasks\.example\.com>$/);
});

describe('unsubscribing', () => {
    test('is one unfolded header and one click, by a token for all mails', async () => {
        const { headers } = await deliver({ ...DIGEST, to: { ...DIGEST.to, userId: 'x'.repeat(128) } });
        const [, token = ''] =
            /^List-Unsubscribe: <https:\/\/tasks\.example\.com\/unsubscribe\?token=([\w-]{150,})>$/.exec(
                line(headers, 'list-unsubscribe') ?? '',
            ) ?? [];
        expect(UNSUBSCRIBE.verify(token)).toEqual({ userId: 'x'.repeat(128), scope: '*' });
        expect(line(headers, 'list-unsubscribe-post')).toBe('List-Unsubscribe-Post: List-Unsubscribe=One-Click');
    });

    test('from an instant mail about one type is from that type', async () => {
        const { mail } = await deliver(instant());
        const [, token = ''] = /Unsubscribe: \S+\?token=(\S+)/.exec(mail.text ?? '') ?? [];
        expect(UNSUBSCRIBE.verify(token)).toEqual({ userId: '42', scope: 'task.assigned' });
    });

    test('is a link in the mail only, if the server is not reached by https', async () => {
        const { headers, mail } = await deliver(DIGEST, { publicUrl: 'http://127.0.0.1:8080' });
        expect(headers.filter(({ key }) => key.startsWith('list-unsubscribe'))).toEqual([]);
        expect(mail.text).toContain('Unsubscribe: http://127.0.0.1:8080/unsubscribe?token=');
    });
});

describe('DKIM', () => {
    test('signs what the reader is shown and both headers of unsubscribing', async () => {
        const { raw, headers } = await deliver(
            instant({ title: 'Für „dich“: ein langer Titel, der gefaltet wird, ✂︎ und noch mehr' }),
            {
                signed: true,
            },
        );
        const tags = tagsOf(line(headers, 'dkim-signature') ?? '');
        expect(tags).toMatchObject({ d: 'tasks.example.com', s: 'tidings', a: 'rsa-sha256', c: 'relaxed/relaxed' });
        expect(tags['h']?.split(':')).toEqual([
            'from',
            'to',
            'subject',
            'date',
            'message-id',
            'mime-version',
            'content-type',
            'list-id',
            'list-unsubscribe',
            'list-unsubscribe-post',
            'auto-submitted',
        ]);
        expect(verified(raw, headers)).toEqual({ body: true, headers: true });
        const changed = headers.map((header) =>
            header.key === 'list-unsubscribe-post' ? { ...header, line: `${header.line}!` } : header,
        );
        expect(verified(raw, changed)).toEqual({ body: true, headers: false });
    });

    test.each([
        ['a key that is none', { privateKey: 'secret stuff' }, 'MAIL_DKIM_KEY to be a private key in PEM'],
        [
            'a key of another kind',
            { privateKey: ed25519() },
            'MAIL_DKIM_KEY to be RSA of 1024 bits or more, got ed25519',
        ],
        ['a domain that is none', { domain: 'a b' }, 'MAIL_DKIM_DOMAIN to be a domain name, got "a b"'],
        ['a selector that is none', { selector: 'x;' }, 'MAIL_DKIM_SELECTOR to be a domain name, got "x;"'],
    ])('refuses %s, and shows no key', (_, wrong, message) => {
        const settings = { domain: 'example.com', selector: 's1', privateKey: PEM, ...wrong };
        expect(() => readDkim(settings)).toThrow(message);
        expect(() => readDkim(settings)).not.toThrow('secret stuff');
    });

    test('takes a key in one line', () => {
        expect(
            readDkim({ domain: 'example.com', selector: 's1', privateKey: PEM.replaceAll('\n', '\\n') }),
        ).toMatchObject({
            privateKey: PEM,
        });
    });
});

describe('a hostile text is only text:', () => {
    const HOSTILE = {
        'a line break and a header': 'Hello\r\nBcc: eve@evil.example\r\n\r\n<b>body</b>',
        'a bare line feed': 'Hello\nX-Evil: 1',
        'a bare carriage return': 'Hello\rX-Evil: 1',
        'Unicode line ends': 'Hello\u2028X-Evil: 1\u2029\u0085X-Evil: 2',
        'an encoded word': '=?utf-8?B?DQpCY2M6IGV2ZUBldmlsLmV4YW1wbGU=?=',
        'the end of the data': 'Hello\r\n.\r\nMAIL FROM:<eve@evil.example>',
        markup: '"><script>alert(1)</script><img src=x onerror=alert(1)>',
        'the end of a style': "</style></title><script>alert('1')</script>",
        'terminal colours': '\u001b[31mred\u001b]0;title\u0007',
        'turned direction': 'invoice\u202efdp.exe \u2066\u200f\u061c',
        'nothing to see': '\u200b\ufeff\u00ad',
        'half a character': '\ud83d and \udc00',
        nul: 'a\u0000b',
        '10 000 characters': 'x'.repeat(10_000),
        '10 000 accents': `a${'\u0301'.repeat(10_000)}`,
    };

    test.each(Object.entries(HOSTILE))('%s', async (_, text) => {
        const wild: MailContent = {
            ...instant({ title: text, body: text, actors: [text, text], count: 2 }),
            to: { ...DIGEST.to, name: text },
        };
        const group = { ...wild.groups[0], topic: null, title: text, entries: wild.groups[0]?.entries ?? [], more: 1 };
        const digest = { ...wild, groups: [group], summary: [{ type: 'task.assigned', count: 3, text }] };
        for (const content of [wild, digest]) {
            const { mail, headers, recipients, raw } = await deliver(content);
            expect(headers.map(({ key }) => key).sort()).toEqual(ALLOWED);
            expect(recipients).toEqual(['ada@example.com']);
            expect([mail.to].flat().flatMap((to) => to?.value.map(({ address }) => address))).toEqual([
                'ada@example.com',
            ]);
            expect(mail.subject?.length).toBeLessThanOrEqual(130);
            for (const part of [mail.subject, mail.text, String(mail.html), [mail.to].flat()[0]?.text]) {
                expect(part).not.toMatch(/(?![\n])\p{Cc}|[\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u);
            }
            expect(mail.html).not.toMatch(/<(script|img|b)[ >]|<[^>]+ on\w+=/i);
            expect(raw.split('\r\n').every((one) => one.length <= 998)).toBe(true);
            expect(raw.length).toBeLessThan(30_000);
        }
    });
});

test.each([
    ['/tasks/1', 'https://tasks.example.com/app/tasks/1'],
    ['/tasks/1?a=1&b="2"#x', 'https://tasks.example.com/app/tasks/1?a=1&b=%222%22#x'],
    ['https://elsewhere.example/x', 'https://elsewhere.example/x'],
    ['javascript:alert(1)', null],
    ['JaVaScRiPt:alert(1)', null],
    ['data:text/html,<script>', null],
    ['//evil.example/x', null],
    ['/\\evil.example/x', null],
    ['https://bank.example@evil.example/', null],
    ['not a link', null],
    ['', null],
])('an entry at %s links to %s', async (url, link) => {
    const { mail } = await deliver(instant({ title: 'Look here', url }), {
        publicUrl: 'https://tasks.example.com/app/',
    });
    const [, href] = /<a href="([^"]*)"[^>]*>Look here<\/a>/.exec(String(mail.html)) ?? [];
    expect(href?.replaceAll('&amp;', '&').replaceAll('&quot;', '"') ?? null).toBe(link);
});

test.each([
    '',
    'nobody',
    'a@b@c',
    'a@b.example, c@d.example',
    'a b@c.example',
    '<a@b.example>',
    'a@b.example\r\nBcc: c@d.example',
])('an address like %j is rejected without asking anyone', async (email) => {
    const before = smtp.connections();
    const outcome = await sender({})({ ...DIGEST, to: { ...DIGEST.to, email } }, async () => true);
    expect(outcome).toMatchObject({ type: 'rejected', of: 'recipient', code: null });
    expect([smtp.connections() - before, smtp.recipients]).toEqual([0, []]);
});

test.each(['nobody', 'a@b.example, c@d.example', 'Eve\r\nBcc: x@y.example', ''])('MAIL_FROM may not be %j', (from) => {
    expect(() => readSender(from)).toThrow('expected MAIL_FROM to be like Name <name@example.com>');
});

test('a mail has no trace of how it was written', async () => {
    const { raw } = await deliver(DIGEST);
    expect(raw).not.toMatch(/nodemailer|x-mailer/i);
    const { attachments, html } = await simpleParser(raw);
    expect([attachments.length, /<img|http-equiv|url\(/i.test(String(html))]).toEqual([0, false]);
});

function ed25519(): string {
    return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function tagsOf(header: string): Readonly<Record<string, string>> {
    const value = header.slice(header.indexOf(':') + 1).replace(/\s+/g, '');
    return Object.fromEntries(
        value
            .split(';')
            .flatMap((tag) => (tag === '' ? [] : [[tag.slice(0, tag.indexOf('=')), tag.slice(tag.indexOf('=') + 1)]])),
    );
}

/** Checks a signature as a receiver does (RFC 6376, relaxed/relaxed). */
function verified(raw: string, headers: HeaderLines): { readonly body: boolean; readonly headers: boolean } {
    const signature = line(headers, 'dkim-signature') ?? '';
    const tags = tagsOf(signature);
    const body = raw
        .slice(raw.indexOf('\r\n\r\n') + 4)
        .replace(/[ \t]+/g, ' ')
        .replace(/ \r\n/g, '\r\n');
    const bodyHash = createHash('sha256')
        .update(body.replace(/(\r\n)*$/, '\r\n'), 'latin1')
        .digest('base64');
    const signed = (tags['h'] ?? '').split(':').map((key) => `${relaxed(key, line(headers, key) ?? '')}\r\n`);
    const own = relaxed('dkim-signature', signature.replace(/(\bb=)[^;]*$/, '$1'));
    const verify = createVerify('RSA-SHA256').update(signed.join('') + own, 'latin1');
    return { body: bodyHash === tags['bh'], headers: verify.verify(publicKey, tags['b'] ?? '', 'base64') };
}

function relaxed(key: string, header: string): string {
    const value = header
        .slice(header.indexOf(':') + 1)
        .replace(/\r?\n/g, '')
        .replace(/[ \t]+/g, ' ')
        .trim();
    return `${key}:${value}`;
}
