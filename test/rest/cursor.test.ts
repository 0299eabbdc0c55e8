import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TidingsError } from '../../src/errors.ts';
import { createCursors } from '../../src/rest/cursor.ts';

const cursors = createCursors('a key of the test, long enough');

function codeOf(work: () => unknown): string | null {
    try {
        work();
        return null;
    } catch (error) {
        return error instanceof TidingsError ? error.code : 'other';
    }
}

test('opens what it sealed, for the same list', () => {
    fc.assert(
        fc.property(fc.array(fc.string()), fc.array(fc.string(), { maxLength: 4 }), (scope, key) => {
            expect(cursors.open(scope, cursors.seal(scope, key))).toEqual(key);
        }),
    );
});

test('refuses a cursor of another list, other filters or another server', () => {
    const cursor = cursors.seal(['tasks', '1', 'todo'], ['a', 'b']);
    expect(codeOf(() => cursors.open(['tasks', '1', 'done'], cursor))).toBe('bad_request');
    expect(codeOf(() => cursors.open(['tasks', '1'], cursor))).toBe('bad_request');
    expect(codeOf(() => cursors.open(['tasks', '1todo', ''], cursor))).toBe('bad_request');
    const others = createCursors('another key, long enough too');
    expect(codeOf(() => others.open(['tasks', '1', 'todo'], cursor))).toBe('bad_request');
});

test('refuses every change of a character', () => {
    const cursor = cursors.seal(['list'], ['2026-11-22 10:00:00.123456+00', 'x']);
    for (let at = 0; at < cursor.length; at += 1) {
        for (const other of ['A', 'B', '.', '=', '-']) {
            if (cursor[at] === other) continue;
            const forged = cursor.slice(0, at) + other + cursor.slice(at + 1);
            expect([forged, codeOf(() => cursors.open(['list'], forged))]).toEqual([forged, 'bad_request']);
        }
    }
});

test('refuses text of any kind with one error', () => {
    fc.assert(
        fc.property(fc.string({ maxLength: 2000 }), (text) => {
            expect(codeOf(() => cursors.open(['list'], text))).toBe('bad_request');
        }),
    );
    expect(() => cursors.open(['list'], '')).toThrow(
        'expected cursor to be the nextCursor of this list with these filters',
    );
});

test('takes no short key', () => {
    expect(() => createCursors('short')).toThrow('expected the cursor key to have at least 16 bytes, got 5');
});
