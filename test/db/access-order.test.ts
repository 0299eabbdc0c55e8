/** Where access rows stand in the stream: before all that may have been committed after the change they tell of. */

import type { ReservedSql, Sql } from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';
import { createRandom } from '../support/random.ts';
import { sequenceAll, streamLines } from './log-reader.ts';

let database: TestDatabase;
let sql: Sql;

beforeEach(async () => {
    database = await openDatabase();
    sql = database.sql;
    await sequenceAll(sql);
});
afterEach(() => database.close());

/** The events of the stream by what they are called, in order. */
async function order(): Promise<string> {
    await sequenceAll(sql);
    const lines = await streamLines(sql);
    return lines.map((line) => line.replace(/^tidings:\S+ \d+ tidings\./, '').replace(/^\S+ \d+ note\./, '')).join(' ');
}

function emit(session: Sql | ReservedSql, name: string): PromiseLike<unknown> {
    return session`select tidings.emit('project:1', ${`note.${name}`})`;
}

function change(session: Sql | ReservedSql): PromiseLike<unknown> {
    return session`select tidings.access_changed('42', 'project:1')`;
}

/** A transaction that has written. */
async function begin(...names: string[]): Promise<{ readonly session: ReservedSql; end(): Promise<void> }> {
    const session = await sql.reserve();
    await session`begin`;
    for (const name of names) await emit(session, name);
    return {
        session,
        async end() {
            await session`commit`;
            session.release();
        },
    };
}

test('what was committed before it stays before it', async () => {
    await emit(sql, 'one');
    await emit(sql, 'two');
    await change(sql);
    await emit(sql, 'three');
    expect(await order()).toBe('one two access three');
});

test('what was written before it and committed after it comes after it', async () => {
    const slow = await begin('slow_a', 'slow_b');
    await emit(sql, 'early');
    await change(sql);
    await slow.end();
    await emit(sql, 'late');
    expect(await order()).toBe('early access slow_a slow_b late');
    expect(
        (await streamLines(sql)).filter((line) => line.startsWith('project:1')).map((line) => line.split(' ')[1]),
    ).toEqual(['1', '2', '3', '4']);
});

test('it comes before all its own transaction wrote', async () => {
    const own = await begin('own_a');
    await change(own.session);
    await emit(own.session, 'own_b');
    await emit(sql, 'other');
    await own.end();
    expect(await order()).toBe('access own_a own_b other');
});

test('cause stays before effect between several of them', async () => {
    const first = await begin('first');
    const second = await begin();
    await change(sql);
    await first.end();
    await emit(sql, 'third');
    await emit(second.session, 'second');
    await change(sql);
    await second.end();
    await emit(sql, 'fourth');
    await change(sql);
    expect(await order()).toBe('access first third access second fourth access');
});

test('a row of before this version, or one that cannot be read, is met in id order', async () => {
    const slow = await begin('slow');
    await sql`select tidings.append_reserved('tidings:access', 'tidings.access', '{"user": "42", "topic": null}')`;
    await slow.end();
    expect(await order()).toBe('slow access');
    await sql`select tidings.append_reserved('tidings:access', 'tidings.access', '{"snapshot": "none"}')`;
    await emit(sql, 'more');
    expect(await order()).toBe('slow access access more');
});

test('a page of many costs little', async () => {
    await sql`
        do $$
        begin
            for i in 1 .. 4900 loop
                perform tidings.access_changed('42');
                perform tidings.emit('project:' || i % 50, 'note.made');
            end loop;
        end $$`.simple();
    const startedMs = performance.now();
    const [run] = await sql`select numbered from tidings.sequence()`;
    expect(run).toMatchObject({ numbered: 9800 });
    expect(performance.now() - startedMs).toBeLessThan(4000);
});

/** One writer of the random history: what it has written and not committed. */
type Writer = { readonly session: ReservedSql; open: boolean; names: string[] };

/** What was written, after the commits of what; and what was committed together, in commit order. */
class History {
    readonly after = new Map<string, readonly string[]>();
    readonly commits: string[][] = [];

    async write(writer: Writer, name: string): Promise<void> {
        if (!writer.open) await writer.session`begin`;
        writer.open = true;
        if (name.startsWith('change')) await writer.session`select tidings.access_changed(${name})`;
        else await emit(writer.session, name);
        writer.names.push(name);
        this.after.set(name, this.commits.flat());
    }

    async commit(writer: Writer): Promise<void> {
        if (!writer.open) return;
        await writer.session`commit`;
        writer.open = false;
        this.commits.push(writer.names.splice(0));
    }

    /** Whatever was committed before an event was written stands before it. */
    inversions(place: (name: string) => number): string[] {
        return [...this.after].flatMap(([name, earlier]) =>
            earlier
                .filter((cause) => isEvent(cause) && isEvent(name) && place(cause) > place(name))
                .map((cause) => `${cause} after ${name}`),
        );
    }

    /** Whatever was committed with a change or after it stands after it. */
    leaks(place: (name: string) => number): string[] {
        return this.commits.flatMap((names, n) => {
            const since = this.commits.slice(n).flat().filter(isEvent);
            const changes = names.filter((name) => !isEvent(name));
            return changes.flatMap((changed) =>
                since.filter((name) => place(name) < place(changed)).map((name) => `${name} before ${changed}`),
            );
        });
    }
}

function isEvent(name: string): boolean {
    return !name.startsWith('change');
}

test('random writers: nothing committed after a change stands before it, and cause stays before effect', async () => {
    const sessions = await Promise.all(Array.from({ length: 5 }, () => sql.reserve()));
    const writers = sessions.map((session): Writer => ({ session, open: false, names: [] }));
    const history = new History();
    const random = createRandom(20261122);
    for (let n = 0; n < 400; n += 1) {
        const writer = writers[Math.floor(random() * writers.length)] as Writer;
        const dice = random();
        if (dice < 0.3) await history.commit(writer);
        else await history.write(writer, dice < 0.4 ? `change${n}` : `n${n}`);
    }
    for (const writer of writers) {
        await history.commit(writer);
        writer.session.release();
    }
    await sequenceAll(sql);
    const rows = await sql<{ name: string }[]>`
        select coalesce(e.data ->> 'user', substr(e.event, 6)) as name
        from tidings.stream s join tidings.event e on e.id = s.event_id and e.at = s.event_at order by s.gseq`;
    const places = new Map(rows.map(({ name }, n) => [name, n]));
    const place = (name: string) => places.get(name) ?? Number.NaN;
    expect(places.size).toBe(history.after.size);
    expect(history.inversions(place)).toEqual([]);
    expect(history.leaks(place)).toEqual([]);
});
