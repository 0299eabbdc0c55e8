/** Tokens of unsubscribing: whose they are, and that none but ours are taken. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createUnsubscribe } from '../../src/mail/index.ts';

const SECRET = 'a secret of more than thirty-two bytes';
const unsubscribe = createUnsubscribe(SECRET);

function tokenOf(userId = '42', scope = 'task.assigned', maker = unsubscribe): string {
    return new URL(maker.url('https://tasks.example.com', { userId, scope })).searchParams.get('token') ?? '';
}

test.each([
    ['42', '*'],
    ['00000000-0000-4000-8000-000000000101', 'task.commented'],
    ['auth0|a@b:c+d', 'x'],
    ['u'.repeat(128), 't'.repeat(128)],
])('a token names %s and %s', (userId, scope) => {
    expect(unsubscribe.verify(tokenOf(userId, scope))).toEqual({ userId, scope });
});

test('is the same each time and fits into an address below any base', () => {
    expect(unsubscribe.url('https://example.com/app/', { userId: '42', scope: '*' })).toBe(
        `https://example.com/app/unsubscribe?token=${tokenOf('42', '*')}`,
    );
    expect(tokenOf('42', '*')).toMatch(/^[\w-]{28}$/);
});

test('no token but ours is taken', () => {
    const token = tokenOf();
    for (let i = 0; i < token.length; i += 1) {
        const other = token[i] === 'A' ? 'B' : 'A';
        expect(unsubscribe.verify(`${token.slice(0, i)}${other}${token.slice(i + 1)}`)).toBeNull();
        expect(unsubscribe.verify(token.slice(0, i))).toBeNull();
    }
    for (const wrong of [`${token}=`, `${token}A`, ` ${token}`, `${token}\n`, `.${token}`, '', 'x'.repeat(100_000)]) {
        expect(unsubscribe.verify(wrong)).toBeNull();
    }
    expect(unsubscribe.verify(tokenOf('42', '*', createUnsubscribe(`${SECRET}!`)))).toBeNull();
});

test('where the user ends and the type begins can not be moved', () => {
    const seen = new Map<string, string>();
    fc.assert(
        fc.property(fc.stringMatching(/^[a-z]{1,4}$/), fc.stringMatching(/^[a-z]{1,4}$/), (userId, scope) => {
            const token = tokenOf(userId, scope);
            const named = `${userId} ${scope}`;
            expect(seen.get(token) ?? named).toBe(named);
            seen.set(token, named);
            expect(unsubscribe.verify(token)).toEqual({ userId, scope });
        }),
    );
});

test('any text is answered', () => {
    fc.assert(
        fc.property(fc.string({ unit: 'binary' }), (text) => {
            expect(unsubscribe.verify(text)).toBeNull();
        }),
    );
});

test.each([
    ['', '*'],
    ['a b', '*'],
    ['42', 'Task'],
    ['42', 'tidings.reset'],
])('none is made for %j and %j', (userId, scope) => {
    expect(() => unsubscribe.url('https://example.com', { userId, scope })).toThrow(TypeError);
});
