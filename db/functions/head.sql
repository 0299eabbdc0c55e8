-- The highest seq given in a topic, 0 if none: from the last flush or from the days since.
create or replace function tidings.head(topic text)
    returns bigint
    language sql
    stable
    parallel safe
return greatest(
    0,
    (select h.seq from tidings.topic_head h where h.topic = head.topic),
    (
        select s.seq
        from tidings.stream s
        where s.topic = head.topic
            and s.sequenced_at >= (select date_trunc('day', f.at, 'UTC') from tidings.heads_flushed f)
        order by s.seq desc
        limit 1
    )
);
revoke all on function tidings.head(text) from public;
grant execute on function tidings.head(text) to tidings_server, tidings_reader, tidings_dba;
