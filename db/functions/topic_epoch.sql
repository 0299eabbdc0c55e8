-- The epoch of a topic: the database's, and behind a dot the gseq of the last floor raised for its whole kind; behind another
-- that at which its owner was forgotten. A position of before carries the older epoch, so it is void exactly once.
create or replace function tidings.topic_epoch(topic text, epoch text)
    returns text
    language sql
    stable
    parallel safe
return topic_epoch.epoch || coalesce((
    select '.' || max(f.gseq)
    from tidings.kind_floor f
    where f.kind in (split_part(topic_epoch.topic, ':', 1), '*')
), '') || coalesce(case
    -- Where nobody ever was, it is not asked who.
    when topic_epoch.topic like 'user:%' and exists (select from tidings.kind_floor f where f.kind = '#')
        then '.' || tidings.forgotten_at(topic_epoch.topic)
end, '');
revoke all on function tidings.topic_epoch(text, text) from public;
grant execute on function tidings.topic_epoch(text, text) to tidings_server, tidings_reader, tidings_dba;
