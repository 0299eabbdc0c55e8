/** One line of English for an event in an activity list. */

type Data = Readonly<Record<string, unknown>>;

const FIXED: Readonly<Record<string, string>> = {
    'task.deleted': 'deleted a task',
    'project.deleted': 'deleted the project',
    'member.removed': 'removed a member',
    'time.started': 'started a timer',
};

const FIELD_NAMES: Readonly<Record<string, string>> = {
    assigneeId: 'assignee',
    dueAt: 'due date',
    projectId: 'project',
    createdBy: 'creator',
};

/** What happened, in the past tense; `data` may hold anything, as other programs make events too. */
export function summarise(event: string, data: Data, actorName: string | null): string {
    return `${actorName ?? 'Someone'} ${predicateOf(event, data)}`;
}

function predicateOf(event: string, data: Data): string {
    if (event.endsWith('.bulk')) return `changed ${textOf(data['count'])} rows of ${event.slice(0, -'.bulk'.length)}`;
    switch (event) {
        case 'task.created':
            return `created task “${textOf(data['title'])}”`;
        case 'task.updated':
            return changeOf('a task', data['changes']);
        case 'task.commented':
            return `commented: “${textOf(data['excerpt'])}”`;
        case 'project.updated':
            return changeOf('the project', data['changes']);
        case 'member.added':
            return `added a member as ${textOf(data['role'])}`;
        case 'member.updated':
            return `made a member ${textOf(data['role'])}`;
        case 'time.stopped':
            return `stopped a timer after ${durationOf(data['seconds'])}`;
        default:
            return FIXED[event] ?? `caused ${event}`;
    }
}

/** A status or a name is told with its value; of other fields only that they changed. */
function changeOf(what: string, changes: unknown): string {
    const fields = typeof changes === 'object' && changes !== null ? Object.entries(changes) : [];
    const [only, second] = fields;
    if (only !== undefined && second === undefined && ['status', 'title', 'name'].includes(only[0])) {
        return `set ${what}’s ${only[0]} to ${textOf(only[1])}`;
    }
    const names = fields.map(([field]) => FIELD_NAMES[field] ?? field);
    return names.length === 0 ? `changed ${what}` : `changed ${names.join(', ')} of ${what}`;
}

function textOf(value: unknown): string {
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '…';
}

function durationOf(seconds: unknown): string {
    if (typeof seconds !== 'number') return 'some time';
    const minutes = Math.round(seconds / 60);
    if (minutes === 0) return `${seconds} s`;
    return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
