import { createServer } from 'node:net';
import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createMailCatcher } from '../../src/catcher/index.ts';
import { type Caught, openCatcher } from './caught.ts';

const EVIL = '<script>alert(1)</script>"\'&<img src=x onerror=alert(2)>';
const HTML = `<link rel=preconnect href="https://evil.example"><IFRAME src="https://evil.example"></IFRAME><b>bold</b>${EVIL}`;

let caught: Caught;
let id: string;
beforeAll(async () => {
    caught = await openCatcher();
    await caught.send({
        subject: EVIL,
        from: { name: EVIL, address: 'eve@example.com' },
        text: `</pre>${EVIL}`,
        html: HTML,
        headers: { 'X-Evil': EVIL },
        attachments: [{ filename: `../../${EVIL}`, content: 'x'.repeat(1200) }],
    });
    [id = ''] = await caught.ids();
});
afterAll(() => caught.close());

test.each(['/', '/list', '/mails/ID', '/mails/ID/html', '/mails/ID/text', '/mails/ID/headers'])(
    'escapes what a mail says on %s, and lets the page run no script but its own',
    async (path) => {
        const { status, headers, body } = await caught.get(path.replace('ID', id));
        expect(status).toBe(200);
        expect(body).not.toMatch(/<script>|<img|onerror=alert\(2\)>/);
        expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
        expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
        expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
        expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    },
);

test('shows a mail as HTML in a sandbox that runs nothing, fetches nothing and connects to nobody', async () => {
    const page = await caught.get(`/mails/${id}`);
    const sandbox = 'allow-popups allow-popups-to-escape-sandbox';
    expect(page.body).toContain(`<iframe title="The mail" sandbox="${sandbox}" src="/mails/${id}/frame">`);
    const { headers, body } = await caught.get(`/mails/${id}/frame`);
    expect(headers['content-security-policy']).toBe(
        `sandbox ${sandbox}; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; ` +
            "form-action 'none'; frame-ancestors 'self'",
    );
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(body).toMatch(/^<!doctype html><base target="_blank">/);
    expect(body).toContain('<b>bold</b>');
    expect(body).not.toMatch(/<(?:link|iframe)/i);
});

test('gives the mail as it came, to be saved', async () => {
    const { headers, body } = await caught.get(`/mails/${id}/raw`);
    expect(headers).toMatchObject({
        'content-type': 'message/rfc822',
        'content-disposition': `attachment; filename="${id}.eml"`,
        'content-security-policy': "sandbox; default-src 'none'",
    });
    expect((await simpleParser(body)).subject).toBe(EVIL);
});

test('shows text, headers and attachments', async () => {
    await caught.send({
        subject: 'plain',
        text: 'a <plain> text',
        headers: { 'List-Unsubscribe': '<https://x.example/u>' },
    });
    const [plain = ''] = await caught.ids();
    expect((await caught.get(`/mails/${plain}`)).body).toContain('<pre dir="auto">a &lt;plain&gt; text');
    expect((await caught.get(`/mails/${plain}/html`)).body).toContain('This mail has no HTML part.');
    expect((await caught.get(`/mails/${plain}/headers`)).body).toContain(
        '<dt>List-Unsubscribe</dt><dd><bdi>&lt;https://x.example/u&gt;</bdi></dd>',
    );
    expect((await caught.get(`/mails/${id}`)).body).toMatch(
        /<bdi>[^<]*alert\(1\)[^<]*<\/bdi> <small>[\w/-]+, 1 kB<\/small>/,
    );
});

test('shows what no parser can take apart as a download', async () => {
    const raw = Array.from({ length: 200 }, () => '--b\r\n\r\nx\r\n').join('');
    await caught.send({ raw: `Content-Type: multipart/mixed; boundary=b\r\n\r\n${raw}` });
    const [twisted = ''] = await caught.ids();
    expect((await caught.get(`/mails/${twisted}`)).body).toContain('This mail could not be taken apart.');
    expect((await caught.get(`/mails/${twisted}/raw`)).body).toContain('--b');
});

test('tells the list apart from the one the page has', async () => {
    const { headers, body } = await caught.get(`/list?open=${id}`);
    expect(body).toContain(`<a href="/mails/${id}" aria-current="page">`);
    const known = { headers: { 'if-none-match': headers.etag ?? '' } };
    expect(await caught.get('/list', known)).toMatchObject({ status: 304, body: '' });
    await caught.send({ subject: 'news', text: 'x' });
    expect((await caught.get('/list', known)).body).toContain('<bdi>news</bdi>');
});

test.each([
    ['a rebound name', { host: 'evil.example' }],
    ['a rebound name with our port', { host: 'evil.example:1080' }],
    ['a name that begins like ours', { host: 'localhost.evil.example' }],
    ['an address that is not ours', { host: '192.168.0.1' }],
    ['a name with ours in it', { host: '127.0.0.1@evil.example' }],
])('answers nothing under %s', async (_, headers) => {
    for (const path of ['/', '/list', `/mails/${id}/raw`, '/script.js']) {
        const { status, body } = await caught.get(path, { headers });
        expect([status, body]).toEqual([403, expect.stringMatching(/^expected Host to be one of localhost, /)]);
    }
});

test('answers under every name of this machine, whatever the port it is reached by', async () => {
    for (const host of ['localhost:9999', '127.0.0.1', '[::1]:80', 'LOCALHOST']) {
        expect((await caught.get('/', { headers: { host } })).status).toBe(200);
    }
});

test.each(['https://evil.example', 'null', 'http://127.0.0.1', 'http://localhost:1', ''])(
    'deletes nothing for a page of origin "%s"',
    async (origin) => {
        const before = await caught.ids();
        expect((await caught.get('/delete', { method: 'POST', headers: { origin } })).status).toBe(403);
        expect((await caught.get('/delete')).status).toBe(405);
        expect((await caught.get('/delete', { method: 'DELETE' })).status).toBe(405);
        expect(await caught.ids()).toEqual(before);
    },
);

test.each([
    '/mails/20200101T000000000Z',
    '/mails/../../../../etc/passwd',
    '/mails/..%2f..%2fetc%2fpasswd/raw',
    '/mails/__proto__',
    '/mails/ID/secret',
    '/mails/ID/raw/',
    '/mails',
    '//',
    '/%',
    '/index.html',
])('has no page %s', async (path) => {
    const { status, headers } = await caught.get(path.replace('ID', id));
    expect([status, headers['content-type']]).toEqual([404, 'text/plain; charset=utf-8']);
});

test('deletes all for its own page and sends it back to the list', async () => {
    const own = await openCatcher();
    await own.send({ subject: 'gone', text: 'x' });
    const deleting = { method: 'POST', headers: { origin: own.catcher.url } };
    expect(await own.get('/delete', deleting)).toMatchObject({ status: 303, headers: { location: '/' } });
    expect((await own.get('/')).body).toContain('No mail yet.');
    expect(await own.files()).toEqual([]);
    await own.close();
});

test('has the ports it is asked for, or others where they are taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const taken = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const make = (port: number) =>
        createMailCatcher({ dir: caught.dir, host: '127.0.0.1', smtpPort: port, webPort: port });
    const second = make(taken);
    await second.start();
    expect(new URL(second.url).port).not.toBe(String(taken));
    expect(new URL(second.smtpUrl).port).not.toBe(String(taken));
    await second.stop();
    await new Promise((resolve) => other.close(resolve));
    const third = createMailCatcher({ dir: caught.dir, host: '127.0.0.1', smtpPort: 0, webPort: taken });
    await third.start();
    expect(third.url).toBe(`http://127.0.0.1:${taken}`);
    await third.stop();
    expect(caught.seen.filter(({ type }) => type !== 'mail.caught')).toEqual([]);
});
