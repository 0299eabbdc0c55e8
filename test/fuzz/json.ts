/** Random JSON, and JSON text that was right before something was done to it. */

import type { Dice } from './dice.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Names and texts that have broken somebody's program before. */
const NAMES = ['type', 'topic', 'topics', 'since', 'epoch', 'ref', 'token', '__proto__', 'constructor', 'toString'];
const TEXTS = [
    '',
    '\0',
    '\ud800',
    '\u2028',
    '../../etc/passwd',
    "' or 1=1 --",
    '<script>alert(1)</script>',
    '\r\nSet-Cookie: a=b',
    '\u001b[31m',
    'x'.repeat(2000),
    '2026-02-30T25:61:61Z',
    'user:42',
    'project:00000000-0000-4000-8000-000000000201',
    '00000000-0000-4000-8000-000000000201',
    'tidings:access',
];
const NUMBERS = [0, -0, -1, 1.5, 2 ** 31, 2 ** 53, 2 ** 64, 1e308, Number.MIN_VALUE];
const SCRAPS = [
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\\',
    '\\u0000',
    '\\ud800',
    '1e400',
    '-',
    'null',
    '\0',
    '"__proto__":{},',
    '[[[[[[[[',
    '9'.repeat(40),
];

/** Any JSON value. */
export function randomJson(dice: Dice, depth = 3): Json {
    switch (dice.below(depth > 0 ? 8 : 6)) {
        case 0:
            return null;
        case 1:
            return dice.chance(0.5);
        case 2:
            return dice.pickAny(NUMBERS) ?? 0;
        case 3:
            return dice.below(1000);
        case 4:
            return dice.pickAny(TEXTS) ?? '';
        case 5:
            return dice.bytes(dice.below(20)).toString('latin1');
        case 6:
            return Array.from({ length: dice.below(4) }, () => randomJson(dice, depth - 1));
        default:
            return randomObject(dice, depth - 1);
    }
}

/** An object with a field or more set to something else. */
export function spoilField(dice: Dice, object: object): Json {
    const names = [...Object.keys(object), ...NAMES];
    const spoilt = Object.entries(object).filter(() => dice.chance(0.9));
    for (let n = 1 + dice.below(2); n > 0; n -= 1) spoilt.push([dice.pickAny(names) ?? '', randomJson(dice)]);
    return Object.fromEntries(spoilt);
}

/** Text with something put in, taken out or doubled. */
export function spoilText(dice: Dice, text: string): string {
    let spoilt = text;
    for (let n = 1 + dice.below(3); n > 0; n -= 1) {
        const from = dice.below(spoilt.length + 1);
        const upto = from + dice.below(6);
        const middle = dice.pick([
            '',
            dice.pickAny(SCRAPS) ?? '',
            String.fromCharCode(dice.below(128)),
            spoilt.slice(from, upto).repeat(3),
        ]);
        spoilt = spoilt.slice(0, from) + middle + spoilt.slice(dice.chance(0.5) ? from : upto);
    }
    return spoilt;
}

function randomObject(dice: Dice, depth: number): Json {
    const entries = Array.from({ length: dice.below(4) }, () => [
        dice.pickAny(NAMES) ?? dice.bytes(3).toString('latin1'),
        randomJson(dice, depth),
    ]);
    return Object.fromEntries(entries);
}
