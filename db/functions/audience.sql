-- Whom a rule tells: the users it names and, if asked, those who watch the topic; each once, without those who were told of
-- the row already and the one who acts, if that is given. Null is nobody.
create or replace function tidings.audience(users text[], told text[], topic text, watchers boolean, actor text)
    returns text[]
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct w.user_id), '{}')
    from (
        select u as user_id from unnest(users) u
        union all
        select p.user_id from tidings.topic_preference p where watchers and p.topic = audience.topic and p.mode = 'watch'
    ) w
    where w.user_id is not null and w.user_id <> all (told) and w.user_id is distinct from actor;
$$;
revoke all on function tidings.audience(text[], text[], text, boolean, text) from public;
grant execute on function tidings.audience(text[], text[], text, boolean, text) to tidings_dba;
