-- Makes a loss part of the log, atomically with the numbering of the row that tells of it: a mark in a topic raises that
-- topic's floor, a floor of a kind is kept under the gseq it got. Called by sequence() only, under its lock.
create or replace function tidings.raise_floors(after_gseq bigint, marks bigint[], at timestamptz)
    returns void
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    insert into tidings.topic_head as h (topic, seq, floor)
    select s.topic, max(s.seq), max(s.seq)
    from tidings.stream s
    where s.gseq > after_gseq and s.sequenced_at = raise_floors.at and s.event_id = any (marks) and s.topic not like 'tidings:%'
    group by s.topic
    order by s.topic
    on conflict (topic) do update set seq = greatest(h.seq, excluded.seq), floor = excluded.floor;

    insert into tidings.kind_floor as k (kind, gseq)
    select coalesce(e.data ->> 'kind', '*'), max(s.gseq)
    from tidings.stream s
    join tidings.event e on e.id = s.event_id and e.at = s.event_at
    where s.gseq > after_gseq and s.sequenced_at = raise_floors.at and s.event_id = any (marks) and s.topic = 'tidings:control'
    group by 1
    on conflict (kind) do update set gseq = excluded.gseq;
end;
revoke all on function tidings.raise_floors(bigint, bigint[], timestamptz) from public;
