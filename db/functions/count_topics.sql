-- Adds up how often each topic occurs: `seen`, on top of the counts so far. Keeps those that occur more than `over` times.
create or replace function tidings.count_topics(
    seen text[],
    known text[],
    known_counts bigint[],
    "over" bigint,
    out topics text[],
    out counts bigint[]
)
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(s.topic), '{}'), coalesce(array_agg(s.n), '{}')
    from (
        select u.topic, sum(u.n)::bigint as n
        from (
            select a.topic, 1::bigint as n from unnest(seen) a (topic)
            union all
            select b.topic, b.n from unnest(known, known_counts) b (topic, n)
        ) u
        group by u.topic
        having sum(u.n) > "over"
    ) s;
end;
