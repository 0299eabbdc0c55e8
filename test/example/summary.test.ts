import fc from 'fast-check';
import { expect, test } from 'vitest';
import { summarise } from '../../src/example/summary.ts';

test.each<[string, Record<string, unknown>, string]>([
    ['task.created', { title: 'Hang' }, 'Ada created task “Hang”'],
    ['task.updated', { changes: { status: 'done' } }, 'Ada set a task’s status to done'],
    ['task.updated', { changes: { dueAt: null } }, 'Ada changed due date of a task'],
    ['task.updated', { changes: { title: 'A', assigneeId: null } }, 'Ada changed title, assignee of a task'],
    ['task.commented', { excerpt: 'Well' }, 'Ada commented: “Well”'],
    ['task.bulk', { count: 1200 }, 'Ada changed 1200 rows of task'],
    ['project.updated', { changes: { name: 'Web' } }, 'Ada set the project’s name to Web'],
    ['member.added', { role: 'editor' }, 'Ada added a member as editor'],
    ['member.removed', {}, 'Ada removed a member'],
    ['time.stopped', { seconds: 42 }, 'Ada stopped a timer after 1 min'],
    ['time.stopped', { seconds: 20 }, 'Ada stopped a timer after 20 s'],
    ['time.stopped', { seconds: 5430 }, 'Ada stopped a timer after 1 h 31 min'],
    ['sprint.closed', {}, 'Ada caused sprint.closed'],
])('%s %j reads “%s”', (event, data, line) => {
    expect(summarise(event, data, 'Ada')).toBe(line);
});

test('an unknown actor is someone', () => {
    expect(summarise('task.deleted', {}, null)).toBe('Someone deleted a task');
});

test('reads data of any shape', () => {
    const names = fc.constantFrom('task.created', 'task.updated', 'time.stopped', 'member.added', 'x.bulk');
    fc.assert(
        fc.property(names, fc.dictionary(fc.string(), fc.jsonValue()), (event, data) => {
            expect(typeof summarise(event, data, null)).toBe('string');
        }),
    );
});
