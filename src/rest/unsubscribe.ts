/**
 * `/unsubscribe`: a reader ends mails by the link in one of them, without logging in; its token says whose and which.
 *
 * GET shows what would end and changes nothing, as scanners follow links. POST ends it, be it the page's own form or a
 * mail client's one click (RFC 8058); sent again it does nothing more.
 */

import { createRoute, z } from '@hono/zod-openapi';
import type { Resource, RestContext, Transaction } from './api.ts';
import { PAGE_HEADERS, type UnsubscribePage, unsubscribePage } from './unsubscribe-page.ts';

export type UnsubscribeParts = {
    /** What a token stands for; null if it is none. */
    readonly verify: (token: string) => { readonly userId: string; readonly scope: string } | null;
    /** Where settings are changed: linked to when all is done. */
    readonly settingsUrl: string | null;
};

const page = (description: string) => ({ description, content: { 'text/html': { schema: z.string() } } });
const query = z.object({ token: z.string().optional().openapi({ description: 'From the link of a mail.' }) });
const tags = ['Mail'];
const refused = page('A page: the token is none of ours.');

const askRoute = createRoute({
    method: 'get',
    path: '/unsubscribe',
    tags,
    summary: 'Ask whether to end mails; changes nothing',
    request: { query },
    responses: { 200: page('A page with a form.'), 400: refused },
});

const actRoute = createRoute({
    method: 'post',
    path: '/unsubscribe',
    tags,
    summary: 'End mails: by the page, or by one click in a mail client (RFC 8058)',
    request: { query },
    responses: { 200: page('A page that says what was done.'), 400: refused },
});

/** Registers both. */
export function unsubscribeResource({ verify, settingsUrl }: UnsubscribeParts): Resource {
    return (app, rest) => {
        app.openapi(askRoute, (c) => {
            const named = verify(c.req.valid('query').token ?? '');
            if (named === null) return show(c, { type: 'refused' }, 400);
            return show(c, { type: 'ask', scope: named.scope, settingsUrl }, 200);
        });

        app.openapi(actRoute, async (c) => {
            const named = verify(c.req.valid('query').token ?? '');
            if (named === null) return show(c, { type: 'refused' }, 400);
            const { userId, scope } = named;
            c.set('userId', userId);
            await rest.step(c, (tx) => endMails(tx, userId, scope));
            return show(c, { type: 'done', scope, settingsUrl }, 200);
        });
    };
}

function show<Status extends 200 | 400>(c: RestContext, what: UnsubscribePage, status: Status) {
    return c.html(unsubscribePage(what, c.req.header('accept-language') ?? ''), status, PAGE_HEADERS);
}

/** A type with a choice of its own doesn't heed that for `*`, so to end all is to end those too. */
async function endMails(tx: Transaction, userId: string, scope: string): Promise<void> {
    await tx`
        select tidings.set_preference(${userId}, t.type, 'email', 'off')
        from (
            select ${scope}::text as type
            union
            select p.key
            from jsonb_each(tidings.preferences_of(${userId}) -> 'preferences') p
            where ${scope} = '*' and p.value ? 'email'
        ) t
        order by t.type`;
}
