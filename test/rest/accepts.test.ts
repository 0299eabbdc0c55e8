import { expect, test } from 'vitest';
import { checkAccepts } from '../../src/rest/accepts.ts';

const TYPE = 'text/event-stream';

test.each([
    undefined,
    '',
    '*/*',
    'text/*',
    TYPE,
    'TEXT/Event-Stream',
    `application/json, ${TYPE};q=0.1`,
    `${TYPE}; charset=utf-8`,
    'text/html, */*;q=0.01',
    `${TYPE};q=1.000, text/*;q=0`,
])('%j takes it', (accept) => {
    expect(() => checkAccepts(accept, TYPE)).not.toThrow();
});

test.each([
    'application/json',
    'text/html',
    `${TYPE};q=0`,
    `*/*, ${TYPE};q=0.0`,
    '*/*, text/*;q=0',
    'application/*',
    'text/event-streams',
])('%j does not', (accept) => {
    expect(() => checkAccepts(accept, TYPE)).toThrow(
        expect.objectContaining({
            code: 'not_acceptable',
            status: 406,
            message: `expected Accept to allow ${TYPE}, got ${JSON.stringify(accept)}`,
        }),
    );
});
