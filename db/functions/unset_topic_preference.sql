-- Takes back that a user mutes, or watches, a topic; harmless if they do not.
create or replace function tidings.unset_topic_preference(user_id text, topic text, mode text)
    returns void
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    delete from tidings.topic_preference p
    where p.user_id = unset_topic_preference.user_id and p.topic = unset_topic_preference.topic and p.mode = unset_topic_preference.mode;
$$;
revoke all on function tidings.unset_topic_preference(text, text, text) from public;
grant execute on function tidings.unset_topic_preference(text, text, text) to tidings_server, tidings_dba;
