/** What a mail says: subject, language, times, and what is left out. */

import { expect, test } from 'vitest';
import { type MailContent, renderMail } from '../../src/mail/index.ts';
import { DIGEST, instant } from './mails.ts';

const LINKS = {
    publicUrl: 'https://tasks.example.com',
    unsubscribeUrl: 'https://tasks.example.com/unsubscribe?token=x',
};

function render(content: MailContent) {
    return renderMail(content, LINKS);
}

function reader(locale: string | null, timeZone = 'Europe/Berlin'): MailContent {
    return { ...DIGEST, to: { ...DIGEST.to, locale, timeZone } };
}

function summary(...texts: string[]): MailContent {
    return { ...DIGEST, count: texts.length, summary: texts.map((text, i) => ({ type: `t${i}`, count: 1, text })) };
}

test.each([
    ['what is inside', DIGEST, '5 comments, 3 assigned to you, 1 overdue'],
    ['the title of a single thing told at once', instant(), 'Cyd gave you Write the release notes'],
    [
        'what is inside, for several told at once',
        { ...DIGEST, kind: 'instant' as const },
        '5 comments, 3 assigned to you, 1 overdue',
    ],
    ['how many, where no type has words', summary(), '0 notifications'],
    ['the summary, for a single thing in a digest', { ...instant(), kind: 'daily' as const }, '1 assigned to you'],
    ['the summary, for a title without letters', instant({ title: '\u200b' }), '1 assigned to you'],
])('the subject says %s', (_, content, subject) => {
    expect(render(content).subject).toBe(subject);
});

test('a subject that grows too long ends with how many are left', () => {
    const texts = Array.from({ length: 20 }, (_, i) => `${i} of a long kind`);
    expect(render(summary(...texts)).subject).toBe(
        '0 of a long kind, 1 of a long kind, 2 of a long kind, 3 of a long kind, 4 of a long kind, 5 of a long kind and 14 more',
    );
});

test('is in German, with German times, for a German reader', () => {
    const { text, html } = render(reader('de_DE.UTF-8'));
    expect(html).toContain('<html lang="de"');
    expect(text).toContain('Dein Tagesüberblick');
    expect(text).toContain('5-mal · Bob, Cyd, Dee und 1 weitere Person · Di., 3. Nov., 10:05');
    expect(text).toContain('Abbestellen: https://');
});

test.each([
    ['en-US', 'America/New_York', 'Tue, Nov 3, 8:30 AM'],
    ['en-GB', 'Asia/Kolkata', 'Tue 3 Nov, 19:00'],
    [null, 'Europe/Berlin', 'Tue, Nov 3, 2:30 PM'],
    ['fr-FR', 'Europe/Paris', 'Tue, Nov 3, 2:30 PM'],
    ['not a locale', 'UTC', 'Tue, Nov 3, 1:30 PM'],
    ['de-AT', 'Not/A_Zone', 'Di., 3. Nov., 13:30'],
])('a reader of %s in %s sees %s', (locale, zone, time) => {
    expect(render(reader(locale, zone)).text.replaceAll('\u202f', ' ')).toContain(time);
});

test('tells of what is left out, in a group and elsewhere', () => {
    const { text, html } = render(DIGEST);
    for (const part of [text, html]) {
        expect(part).toContain('and 2 more');
        expect(part).toContain('and 4 more elsewhere');
        expect(part).not.toContain('Warehouse');
    }
});

test('shows a body in lines and no date where there is none', () => {
    const { html, text } = render(instant({ body: 'one\ntwo\r\n\r\n\r\n\r\nthree', at: 'never' }));
    expect(html).toContain('one<br>two<br><br>three');
    expect(text).toContain('  one\n  two\n  \n  three');
    expect(`${text}${html}`).not.toContain('Invalid');
});

test('can be read on a phone and in the dark', () => {
    const { html } = render(DIGEST);
    expect(html).toContain('<meta name="viewport" content="width=device-width,initial-scale=1">');
    expect(html).toContain('<meta name="color-scheme" content="light dark">');
    expect(html).toContain('@media (prefers-color-scheme:dark)');
    const sizes = [...html.matchAll(/font-size:(\d+)px/g)].map(([, size]) => Number(size)).filter((size) => size > 1);
    expect(Math.min(...sizes)).toBe(16);
    expect(html).not.toMatch(/<img|<script|src=|@import|url\(/);
});

test('stays below what mail clients cut off', () => {
    const entries = Array.from({ length: 30 }, () => DIGEST.groups[0]?.entries[1]).filter((one) => one !== undefined);
    expect(render({ ...DIGEST, groups: [{ topic: null, title: null, entries, more: 0 }] }).html.length).toBeLessThan(
        60_000,
    );
});
