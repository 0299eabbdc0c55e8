/** Contents of mails for tests. */

import type { MailContent } from '../../src/mail/index.ts';

/** A digest of two projects, in English, for Berlin. */
export const DIGEST: MailContent = {
    digestId: '7',
    key: '42:daily:2026-11-03',
    kind: 'daily',
    period: '2026-11-03',
    to: { userId: '42', email: 'ada@example.com', name: 'Ada Lovelace', locale: 'en-GB', timeZone: 'Europe/Berlin' },
    count: 9,
    summary: [
        { type: 'task.commented', count: 5, text: '5 comments' },
        { type: 'task.assigned', count: 3, text: '3 assigned to you' },
        { type: 'task.overdue', count: 1, text: '1 overdue' },
    ],
    groups: [
        {
            topic: 'project:1',
            title: 'Website relaunch',
            entries: [
                {
                    id: '1',
                    type: 'task.overdue',
                    title: 'Renew the certificate is overdue',
                    body: null,
                    url: '/tasks/11',
                    count: 1,
                    actors: [],
                    at: '2026-11-03T13:30:00.000Z',
                    critical: true,
                },
                {
                    id: '2',
                    type: 'task.commented',
                    title: 'Bob commented on Pick a typeface that can be read on a phone',
                    body: 'I would take the second one: it holds up at small sizes.\n\nShall we try it on the front page first?',
                    url: '/tasks/12#c9',
                    count: 5,
                    actors: ['Bob', 'Cyd', 'Dee', 'Eve'],
                    at: '2026-11-03T09:05:00.000Z',
                    critical: false,
                },
                {
                    id: '3',
                    type: 'task.assigned',
                    title: 'Cyd gave you Write the release notes',
                    body: null,
                    url: 'https://tasks.example.com/13',
                    count: 1,
                    actors: ['Cyd'],
                    at: '2026-11-02T16:20:00.000Z',
                    critical: false,
                },
            ],
            more: 2,
        },
        {
            topic: 'project:2',
            title: 'Mobile app',
            entries: [
                {
                    id: '4',
                    type: 'task.assigned',
                    title: 'Fay gave you Crash when the phone is turned',
                    body: null,
                    url: null,
                    count: 1,
                    actors: ['Fay'],
                    at: '2026-11-03T06:00:00.000Z',
                    critical: false,
                },
            ],
            more: 0,
        },
        { topic: 'project:3', title: 'Warehouse', entries: [], more: 4 },
    ],
};

/** One entry, told at once. */
export function instant(entry: Partial<MailContent['groups'][0]['entries'][0]> = {}): MailContent {
    return {
        ...DIGEST,
        key: '42:instant:912',
        kind: 'instant',
        period: '912',
        count: 1,
        summary: [{ type: 'task.assigned', count: 1, text: '1 assigned to you' }],
        groups: [
            {
                topic: 'project:1',
                title: 'Website relaunch',
                entries: [
                    {
                        id: '912',
                        type: 'task.assigned',
                        title: 'Cyd gave you Write the release notes',
                        body: 'By Friday, please.',
                        url: '/tasks/13',
                        count: 1,
                        actors: ['Cyd'],
                        at: '2026-11-03T13:30:00.000Z',
                        critical: false,
                        ...entry,
                    },
                ],
                more: 0,
            },
        ],
    };
}
