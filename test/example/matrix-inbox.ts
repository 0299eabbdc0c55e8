/** The routes of the inbox and of preferences, and what becomes of a call by its owner and by anybody else. */

/** What is there to call them on: an entry of the owner's, and a topic that some may read. */
export type InboxPlace = { readonly id: string; readonly topic: string };

export type InboxRoute = {
    /** As the OpenAPI document names it. */
    readonly route: string;
    readonly query?: string;
    readonly body?: (place: InboxPlace) => unknown;
    /** Answer to the owner of the entry. */
    readonly status: number;
    /** What is somebody else's is answered like what is not there; all else is the caller's own and theirs to have. */
    readonly others: 'own' | 'not found' | 'readers only';
};

const TOMORROW = new Date(Date.now() + 86_400_000).toISOString();
const QUERIES = ['', '?unreadOnly=true', '?archived=true', '?snoozed=true', '?type=task.commented', '?limit=1'];
const upTo = ({ id }: InboxPlace) => ({ before: id });

export const INBOX_ROUTES: readonly InboxRoute[] = [
    ...QUERIES.map((query) => ({ route: 'GET /notifications', query, status: 200, others: 'own' as const })),
    { route: 'GET /notifications/counts', status: 200, others: 'own' },
    { route: 'PATCH /notifications/{id}/read', status: 200, others: 'not found' },
    { route: 'PATCH /notifications/{id}/read', body: () => ({ read: false }), status: 200, others: 'not found' },
    { route: 'POST /notifications/read-all', status: 200, others: 'own' },
    { route: 'POST /notifications/read-all', body: upTo, status: 200, others: 'not found' },
    { route: 'POST /notifications/seen', status: 200, others: 'own' },
    { route: 'POST /notifications/seen', body: upTo, status: 200, others: 'not found' },
    { route: 'POST /notifications/{id}/archive', status: 200, others: 'not found' },
    { route: 'DELETE /notifications/{id}/archive', status: 200, others: 'not found' },
    { route: 'POST /notifications/{id}/snooze', body: () => ({ until: TOMORROW }), status: 200, others: 'not found' },
    { route: 'DELETE /notifications/{id}/snooze', status: 200, others: 'not found' },
    { route: 'GET /preferences', status: 200, others: 'own' },
    { route: 'PUT /preferences', body: () => ({ digestHour: 7 }), status: 200, others: 'own' },
    { route: 'PUT /topics/{topic}/mute', status: 204, others: 'readers only' },
    { route: 'DELETE /topics/{topic}/mute', status: 204, others: 'own' },
    { route: 'PUT /topics/{topic}/watch', status: 204, others: 'readers only' },
    { route: 'DELETE /topics/{topic}/watch', status: 204, others: 'own' },
];

/** Method and path of a call. */
export function requestOf({ route, query = '' }: InboxRoute, { id, topic }: InboxPlace): readonly [string, string] {
    const [method = '', template = ''] = route.split(' ');
    return [method, template.replace('{id}', id).replace('{topic}', encodeURIComponent(topic)) + query];
}
