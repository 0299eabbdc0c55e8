/** Judges a numbered stream against what the writers' transactions say happened. */

import type { Sql } from 'postgres';

/** What is wrong with a stream; all empty when it is right. */
export type Verdict = {
    readonly lost: readonly string[];
    readonly invented: readonly string[];
    readonly duplicated: readonly string[];
    readonly gaps: readonly string[];
    readonly inversions: readonly string[];
};

/** Makes the table writers work on: every write of a row also keeps a line of history, rolled back alike. */
export async function createWorkload(sql: Sql): Promise<void> {
    await sql.unsafe(`
        create schema demo;
        create table demo.item (id int primary key, version int not null default 0, left_topic int not null, right_topic int not null);
        create table demo.history (item int not null, version int not null, topic text not null);
        insert into demo.item select g, 0, g % 5, 5 + g % 3 from generate_series(1, 20) g;
        select tidings.track('demo.item', entity => 'item', data => $$jsonb_build_object('item', r.id, 'version', r.version)$$,
            topic => $$array['left:' || r.left_topic, 'right:' || r.right_topic]$$);
        create function demo.touch(id int) returns void language sql begin atomic
            with u as (update demo.item i set version = i.version + 1 where i.id = touch.id returning i.*)
            insert into demo.history select u.id, u.version, t from u, unnest(array['left:' || u.left_topic, 'right:' || u.right_topic]) t;
        end;`);
}

/** Compares the stream with the history. Call it when no writer is open and nothing is left to number. */
export async function judge(sql: Sql): Promise<Verdict> {
    const column = async (query: string) => (await sql.unsafe(query)).map((row) => String(row['what']));
    const seen = `
        select s.gseq, s.topic, s.seq, e.data ->> 'item' as item, (e.data ->> 'version')::int as version, s.event_id
        from tidings.stream s join tidings.event e on e.id = s.event_id and e.at = s.event_at`;
    const key = `h.topic || ' ' || h.item || ' v' || h.version`;
    return {
        lost: await column(`select ${key} as what from demo.history h
            where not exists (select from (${seen}) s where s.topic = h.topic and s.item = h.item::text and s.version = h.version)`),
        invented: await column(`select h.topic || ' ' || h.item || ' v' || h.version as what from (${seen}) h
            where not exists (select from demo.history x where x.topic = h.topic and x.item::text = h.item and x.version = h.version)`),
        duplicated:
            await column(`select event_id::text as what from tidings.stream group by event_id having count(*) > 1
            union all select 'gseq ' || gseq from tidings.stream group by gseq having count(*) > 1`),
        gaps: await column(`select topic || ' ' || seq as what from (
                select topic, seq, row_number() over (partition by topic order by gseq) as place from tidings.stream) s
            where seq <> place
            union all select 'gseq ' || gseq from (select gseq, row_number() over (order by gseq) as place from tidings.stream) s where gseq <> place`),
        inversions: await column(`select topic || ' ' || item || ' v' || version as what from (
                select s.*, lag(s.version) over (partition by s.topic, s.item order by s.gseq) as earlier from (${seen}) s) s
            where version <= earlier`),
    };
}
