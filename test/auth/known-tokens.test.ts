import { expect, test } from 'vitest';
import { KnownTokens } from '../../src/auth/known-tokens.ts';

const LATER = Date.now() + 3_600_000;

test('knows a token for ten seconds, and none that it was not told of', () => {
    let nowMs = 0;
    const known = new KnownTokens(() => nowMs);
    known.add('a.b.c', { userId: '42', expiresAtMs: LATER });
    expect(known.find('a.b.c')).toEqual({ userId: '42', expiresAtMs: LATER });
    expect(known.find('a.b.d')).toBeNull();
    nowMs = 9_999;
    expect(known.find('a.b.c')).not.toBeNull();
    nowMs = 10_000;
    expect(known.find('a.b.c')).toBeNull();
});

test('does not know one that has expired meanwhile', () => {
    const known = new KnownTokens(() => 0);
    known.add('a.b.c', { userId: '42', expiresAtMs: Date.now() - 1 });
    expect(known.find('a.b.c')).toBeNull();
});

test('forgets the oldest when there are too many', () => {
    const known = new KnownTokens(() => 0);
    for (let n = 0; n <= 10_000; n += 1) known.add(`${n}`, { userId: '42', expiresAtMs: LATER });
    expect([known.find('0'), known.find('1')]).toMatchObject([null, { userId: '42' }]);
});
