/** Random tables and rows: the data of events is what a plain reading of the row says. */

import fc from 'fast-check';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { appended } from './log-reader.ts';

const RUNS = 60;

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sql`create schema app`;
});

afterAll(() => database.close());

/** A type, values of it as SQL takes them in text, and how JSON spells one. */
type Kind = { readonly type: string; readonly value: fc.Arbitrary<string | null>; readonly spell: string };

const orNull = (value: fc.Arbitrary<string>) => fc.option(value, { nil: null, freq: 5 });
const plain = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !/[\0\ud800-\udfff]/.test(text));
const moment = fc
    .date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true })
    .map((date) => date.toISOString());

const KINDS: readonly Kind[] = [
    { type: 'int', value: orNull(fc.integer().map(String)), spell: 'to_jsonb(v)' },
    {
        type: 'bigint',
        value: orNull(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
        spell: 'to_jsonb(v::text)',
    },
    {
        type: 'numeric',
        value: orNull(fc.oneof(fc.double({ noDefaultInfinity: true }).map(String), fc.constant('NaN'))),
        spell: 'to_jsonb(v::text)',
    },
    { type: 'double precision', value: orNull(fc.double().map(String)), spell: 'to_jsonb(v)' },
    { type: 'boolean', value: orNull(fc.boolean().map(String)), spell: 'to_jsonb(v)' },
    { type: 'text', value: orNull(plain), spell: 'to_jsonb(v)' },
    {
        type: 'jsonb',
        value: orNull(
            fc.json({ maxDepth: 2 }).filter((text) => !text.includes('\\u0000') && !/\\ud[89a-f]/i.test(text)),
        ),
        spell: 'v',
    },
    {
        type: 'timestamptz',
        value: orNull(moment),
        spell: `to_jsonb(to_char(v at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`,
    },
    { type: 'date', value: orNull(moment.map((text) => text.slice(0, 10))), spell: 'to_jsonb(v)' },
    { type: 'uuid', value: orNull(fc.uuid()), spell: 'to_jsonb(v)' },
    {
        type: 'bytea',
        value: orNull(fc.uint8Array({ maxLength: 20 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`)),
        spell: `to_jsonb('\\x' || encode(v, 'hex'))`,
    },
    {
        type: 'bigint[]',
        value: orNull(fc.array(fc.maxSafeInteger()).map((list) => `{${list.join(',')}}`)),
        spell: 'to_jsonb(v::text[])',
    },
    {
        type: 'text[]',
        value: orNull(fc.array(fc.stringMatching(/^[a-z]{1,5}$/)).map((list) => `{${list.join(',')}}`)),
        spell: 'to_jsonb(v)',
    },
];

/** Any name PostgreSQL takes, of at most 63 bytes, that no camelCase changes. */
const name = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 15 })
    .filter(
        (text) =>
            !/[\0_\ud800-\udfff]/.test(text) &&
            !['id', 'ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'].includes(text),
    );

const column = fc
    .constantFrom(...KINDS)
    .chain((kind) => fc.record({ kind: fc.constant(kind), first: kind.value, second: kind.value }));

const table = fc
    .uniqueArray(fc.tuple(name, column), { minLength: 1, maxLength: 8, selector: ([text]) => text })
    .map((columns) => columns.map(([text, rest]) => ({ name: text, ...rest })));

type Column = {
    readonly name: string;
    readonly kind: Kind;
    readonly first: string | null;
    readonly second: string | null;
};

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const literal = (text: string | null) =>
    text === null ? 'null' : `e'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** The reference: JSON of the columns' values, as PostgreSQL itself renders each; with `other`, of those that differ. */
async function reference(
    columns: readonly Column[],
    pick: 'first' | 'second',
    other?: 'first',
): Promise<Record<string, unknown>> {
    const data: Record<string, unknown> = {};
    for (const { name: field, kind, ...values } of columns) {
        const was =
            other === undefined ? '' : `, v is distinct from ${literal(values[other])}::${kind.type} as differs`;
        const [row] = await sql.unsafe(
            `select ${kind.spell} as json ${was} from (select ${literal(values[pick])}::${kind.type} as v) x`,
        );
        if (other === undefined || row?.['differs'] === true)
            Object.defineProperty(data, field, { value: row?.['json'] ?? null, enumerable: true });
    }
    return data;
}

let tables = 0;

test(`of ${RUNS} random tables, inserts tell every column and updates those that differ`, {
    timeout: 120_000,
}, async () => {
    await fc.assert(
        fc.asyncProperty(table, async (columns) => {
            tables += 1;
            const target = `app.t${tables}`;
            await sql.unsafe(`
                create table ${target} (id int primary key, ${columns.map(({ name: text, kind }) => `${quoted(text)} ${kind.type}`).join(', ')});
                select tidings.track('${target}', entity => 'thing', topic => $$'project:' || r.id$$)`);
            const events = await appended(
                sql,
                `insert into ${target} values (1, ${columns.map(({ first }) => literal(first)).join(', ')});
                 update ${target} set ${columns.map(({ name: text, second }) => `${quoted(text)} = ${literal(second)}`).join(', ')};
                 delete from ${target}`,
            );
            const changes = await reference(columns, 'second', 'first');
            expect(events).toEqual([
                { topic: 'project:1', event: 'thing.created', data: { id: 1, ...(await reference(columns, 'first')) } },
                ...(Object.keys(changes).length === 0
                    ? []
                    : [{ topic: 'project:1', event: 'thing.updated', data: { id: 1, changes } }]),
                { topic: 'project:1', event: 'thing.deleted', data: { id: 1 } },
            ]);
            await sql.unsafe(`drop table ${target}`);
        }),
        { numRuns: RUNS },
    );
    expect(await sql`select message from tidings.capture_error`).toEqual([]);
});
