-- `<epoch>:<head>` of a topic in the caller's snapshot: everything numbered up to it is in rows read beside it.
create or replace function tidings."position"(topic text)
    returns text
    language sql
    stable
    parallel safe
as $$
    select (
    select tidings.topic_epoch("position".topic, r.epoch) || ':' || tidings.head("position".topic)
    from tidings.run r
    order by r.run desc
    limit 1
);
$$;
revoke all on function tidings."position"(text) from public;
grant execute on function tidings."position"(text) to tidings_server, tidings_reader, tidings_dba;
