/** The routes of the catcher's page: what is answered to which request. */

import type { IncomingMessage } from 'node:http';
import { TidingsError } from '../errors.ts';
import { type Content, parseContent } from './content.ts';
import { FRAME_POLICY, frameDocument } from './frame.ts';
import { isId } from './mail-id.ts';
import { listMarkup } from './mail-list.ts';
import { emptyMarkup, mailMarkup, VIEWS } from './mail-view.ts';
import type { Mailbox } from './mailbox.ts';
import { PAGE_POLICY, pageMarkup } from './page.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** An answer; `status` is 200 unless told. Text is UTF-8. */
export type Answer = {
    readonly status?: number;
    readonly type: string;
    readonly body: string | Buffer;
    readonly headers?: Readonly<Record<string, string>>;
};

const MAIL_PATTERN = /^\/mails\/(\w+)(?:\/(\w+))?$/;

/** Answers. Rejects with TidingsError `not_found` or `method_not_allowed`. */
export async function answerRequest(mailbox: Mailbox, request: IncomingMessage): Promise<Answer> {
    const [pathname = '', query = ''] = (request.url ?? '').split('?', 2);
    if (pathname === '/delete') {
        assertMethod(request, ['POST']);
        await mailbox.clear();
        return { status: 303, type: 'text/plain', body: '', headers: { location: '/' } };
    }
    assertMethod(request, ['GET', 'HEAD']);
    const [, id, what] = MAIL_PATTERN.exec(pathname) ?? [];
    if (id !== undefined) return answerMail(mailbox, id, what);
    if (pathname === '/') return pageAnswer(mailbox, null, emptyMarkup());
    if (pathname === '/list') {
        const open = new URLSearchParams(query).get('open') ?? '';
        return listAnswer(mailbox, isId(open) ? open : null, request.headers['if-none-match']);
    }
    if (pathname === '/style.css') return { type: 'text/css', body: STYLE };
    if (pathname === '/script.js') return { type: 'text/javascript', body: SCRIPT };
    throw new TidingsError('not_found', `expected a page of the mail catcher, got ${JSON.stringify(pathname)}`);
}

async function answerMail(mailbox: Mailbox, id: string, what: string | undefined): Promise<Answer> {
    const mail = await mailbox.read(id);
    if (mail === null) throw new TidingsError('not_found', `expected a mail that is still here, got ${id}`);
    if (what === 'raw') return rawAnswer(id, mail);
    const content = await parseContent(mail);
    if (what === 'frame') return frameAnswer(content);
    const asked = VIEWS.find((view) => view === what);
    if (what !== undefined && asked === undefined) {
        throw new TidingsError('not_found', `expected a part of a mail, got ${JSON.stringify(what)}`);
    }
    return pageAnswer(mailbox, id, mailMarkup({ id, bytes: mail.length, content, asked }));
}

function frameAnswer(content: Content | null): Answer {
    const headers = { 'content-security-policy': FRAME_POLICY, 'referrer-policy': 'no-referrer' };
    return { type: 'text/html', body: frameDocument(content), headers };
}

/** As it came, to be saved: never shown here as anything. */
function rawAnswer(id: string, mail: Buffer): Answer {
    const headers = {
        'content-disposition': `attachment; filename="${id}.eml"`,
        'content-security-policy': "sandbox; default-src 'none'",
        'content-type': 'message/rfc822',
    };
    return { type: 'message/rfc822', body: mail, headers };
}

async function pageAnswer(mailbox: Mailbox, open: string | null, pane: unknown): Promise<Answer> {
    const { mails, version } = await mailbox.list();
    const body = await pageMarkup({ list: listMarkup(mails, open), pane, version, open });
    return { type: 'text/html', body: String(body), headers: { 'content-security-policy': PAGE_POLICY } };
}

/** The list alone, if it is another than the one the page has. */
async function listAnswer(mailbox: Mailbox, open: string | null, known: string | undefined): Promise<Answer> {
    const { mails, version } = await mailbox.list();
    const headers = { etag: `"${version}"`, 'content-security-policy': PAGE_POLICY };
    if (known === headers.etag) return { status: 304, type: 'text/html', body: '', headers };
    return { type: 'text/html', body: String(await listMarkup(mails, open)), headers };
}

function assertMethod({ method }: IncomingMessage, allowed: readonly string[]): void {
    if (allowed.includes(method ?? '')) return;
    throw new TidingsError('method_not_allowed', `expected ${allowed.join(' or ')}, got ${method}`);
}
