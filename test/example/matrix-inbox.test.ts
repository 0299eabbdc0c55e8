/** Every route of the inbox and of preferences × everyone who may call it: nobody sees or changes what is another's. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Answer, type ExampleApi, openExampleApi, USERS } from './example-api.ts';
import { INBOX_ROUTES, type InboxPlace, type InboxRoute, requestOf } from './matrix-inbox.ts';

type Handle = keyof typeof USERS;

const SECRET = 'Secret of Bob';
const READERS = ['ada', 'cyd', 'dee', 'eve'] as const;
/** An entry and a topic that are nobody's. */
const NOTHING = {
    id: '00000000-0000-4000-8000-00000000ffff',
    topic: 'project:00000000-0000-4000-8000-00000000ffff',
};
/** The callers who are not bob, and whether they may read his project. */
const OTHERS = [
    { as: 'ada', who: 'an admin of the organisation', reads: true },
    { as: 'cyd', who: 'an editor of the project', reads: true },
    { as: 'eve', who: 'a viewer of the project', reads: true },
    { as: 'fay', who: 'a stranger of the same organisation', reads: false },
    { as: 'hal', who: 'a user of another organisation', reads: false },
    { as: 'gus', who: 'the admin of another organisation', reads: false },
    { as: 'auth0|42', who: 'a user the example does not know', reads: false },
] as const;

let api: ExampleApi;
let topic: string;
let ids: string[];
beforeAll(async () => {
    api = await openExampleApi();
    const [made] = await api.sql<{ topic: string }[]>`
        with p as (
            insert into app.projects (organisation_id, name) values ('00000000-0000-4000-8000-000000000001', 'Fresh')
            returning id
        ), m as (
            insert into app.project_members (project_id, user_id, role)
            select p.id, v.user_id::uuid, v.role
            from p, (values (${USERS.eve}, 'viewer'), (${USERS.dee}, 'commenter'), (${USERS.cyd}, 'editor'),
                (${USERS.bob}, 'owner')) v (user_id, role)
        )
        select 'project:' || p.id as topic from p
    `;
    topic = made?.topic ?? '';
});
afterAll(() => api.close());

/** Bob's entries in every state, of one group and topic with one that each reader of his project has. */
beforeEach(async () => {
    await api.sql`truncate tidings.notification, tidings.preference, tidings.topic_preference, tidings.schedule`;
    for (let n = 0; n < 4; n += 1) {
        await tell(['bob'], SECRET, `group ${n}`);
        await tell(READERS, 'Told to a reader', `group ${n}`);
    }
    const rows = await api.sql<{ id: string }[]>`
        select id from tidings.notification where user_id = ${USERS.bob} order by created_at`;
    ids = rows.map(({ id }) => id);
    const [, read, archived, snoozed] = ids;
    await api.sql`select tidings.mark_read(${USERS.bob}, array[${read ?? ''}::uuid])`;
    await api.sql`select tidings.archive_notification(${USERS.bob}, ${archived ?? ''})`;
    await api.sql`select tidings.snooze_notification(${USERS.bob}, ${snoozed ?? ''}, now() + interval '1 hour')`;
    await api.sql`select tidings.set_preference(${USERS.bob}, 'task.due', 'email', 'weekly')`;
    await api.sql`select tidings.set_schedule(${USERS.bob}, 'Asia/Tokyo', 9, 3, '21:30', '06:15')`;
    await api.sql`select tidings.set_topic_preference(${USERS.bob}, ${topic}, 'watch')`;
});

function tell(to: readonly Handle[], title: string, group: string) {
    const payload = JSON.stringify({ title, excerpt: title });
    return api.sql`
        select tidings.send_notification(
            ${to.map((handle) => USERS[handle])}::text[], 'task.commented', ${payload}::text::jsonb,
            topic => ${topic}, group_key => ${group}, actor => ${USERS.cyd}
        )`;
}

/** All that is bob's, and the last that was said on his topic. */
async function bobs(): Promise<unknown> {
    const [row] = await api.sql`
        select
            (select jsonb_agg(to_jsonb(n) order by n.id) from tidings.notification n where n.user_id = ${USERS.bob}) as inbox,
            (select jsonb_agg(to_jsonb(p)) from tidings.preference p where p.user_id = ${USERS.bob}) as preferences,
            (select jsonb_agg(to_jsonb(s)) from tidings.schedule s where s.user_id = ${USERS.bob}) as schedule,
            (select jsonb_agg(to_jsonb(t)) from tidings.topic_preference t where t.user_id = ${USERS.bob}) as topics,
            (select max(e.id) from tidings.event e where e.topic = ${`user:${USERS.bob}`}) as said`;
    return row;
}

function ask(as: string | undefined, route: InboxRoute, place: Partial<InboxPlace> = {}): Promise<Answer> {
    const there = { id: ids[0] ?? '', topic, ...place };
    const [method, path] = requestOf(route, there);
    return api.call(method, path, { as, body: route.body?.(there) });
}

describe.each(INBOX_ROUTES.map((route) => ({ name: `${route.route}${route.query ?? ''}`, route })))(
    '$name',
    ({ route }) => {
        test('is for its owner', async () => {
            for (const id of ids) expect((await ask('bob', route, { id })).status).toBe(route.status);
        });

        test('is nothing without a token, or with a bad one', async () => {
            const before = await bobs();
            for (const as of [undefined, 'refused']) {
                expect(await ask(as, route)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
            }
            expect(await bobs()).toEqual(before);
        });

        test('shows and changes nothing of it for anybody else', async () => {
            const before = await bobs();
            for (const { as, who, reads } of OTHERS) {
                const isOwn = route.others === 'own' || (route.others === 'readers only' && reads);
                for (const id of ids) {
                    const { status, body } = await ask(as, route, { id });
                    expect([who, status]).toEqual([who, isOwn ? route.status : 404]);
                    for (const kept of [SECRET, 'Asia/Tokyo', 'weekly', ...ids]) {
                        expect([who, JSON.stringify(body)]).toEqual([who, expect.not.stringContaining(kept)]);
                    }
                }
                expect([who, await bobs()]).toEqual([who, before]);
            }
        });

        test('by a reader for their own entry, of the same group as bob’s, is theirs alone', async () => {
            const before = await bobs();
            const own = await api.sql<{ id: string }[]>`
                select id from tidings.notification where user_id = ${USERS.cyd}`;
            for (const { id } of own) expect((await ask('cyd', route, { id })).status).toBe(route.status);
            const { body } = await api.call('GET', '/notifications', { as: 'cyd' });
            expect(body.items.map(({ count }: { count: number }) => count)).toEqual(body.items.map(() => 1));
            expect(await bobs()).toEqual(before);
        });

        test('is answered alike for what is another’s and what is not there', async () => {
            for (const as of ['fay', 'hal', 'gus']) {
                const answers = [await ask(as, route), await ask(as, route, NOTHING)];
                for (const { body } of answers) delete body.requestId;
                expect(answers[0]?.status).toBe(answers[1]?.status);
                expect(answers[0]?.body).toEqual(answers[1]?.body);
            }
        });
    },
);

test('everybody’s counts are of their own', async () => {
    const countsOf = async (as: string) => (await api.call('GET', '/notifications/counts', { as })).body;
    expect(await countsOf('bob')).toEqual({ unread: 1, unseen: 1 });
    for (const reader of READERS) expect(await countsOf(reader)).toEqual({ unread: 4, unseen: 4 });
    for (const stranger of ['fay', 'hal', 'gus', 'auth0|42']) {
        expect(await countsOf(stranger)).toEqual({ unread: 0, unseen: 0 });
    }
});

test('a cursor of another’s inbox opens nothing', async () => {
    const { body } = await api.call('GET', '/notifications?limit=1', { as: 'bob' });
    for (const { as } of OTHERS) {
        const answer = await api.call('GET', `/notifications?limit=1&cursor=${body.nextCursor}`, { as });
        expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
    }
});

test('nobody mutes or watches the topic of another user', async () => {
    for (const { as } of OTHERS) {
        for (const mode of ['mute', 'watch']) {
            expect((await api.call('PUT', `/topics/user:${USERS.bob}/${mode}`, { as })).status).toBe(404);
        }
    }
    expect(await api.sql`select from tidings.topic_preference where user_id <> ${USERS.bob}`).toEqual([]);
});

test('an answer kept for another’s Idempotency-Key is not given', async () => {
    const headers = { 'idempotency-key': 'shared' };
    const path = `/notifications/${ids[0]}/archive`;
    expect((await api.call('POST', path, { as: 'bob', headers })).status).toBe(200);
    for (const { as } of OTHERS) expect((await api.call('POST', path, { as, headers })).status).toBe(404);
    const all = async (as: string) => {
        const answer = await api.call('POST', '/notifications/read-all', { as, headers: { 'idempotency-key': 'all' } });
        return answer.body.updated;
    };
    for (const _ of ['first', 'again']) {
        expect([await all('cyd'), await all('bob'), await all('fay'), await all('eve')]).toEqual([4, 1, 0, 4]);
    }
});
