-- Whom a rule tells: the users it names and, if asked, those who watch the topic; each once, without those who were told of
-- the row already and the one who acts, if that is given. Null is nobody, and so is what can be no user's id: it must not keep
-- others of the same statement from being told.
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
    where tidings.is_id(w.user_id) and w.user_id is distinct from actor
        -- Hashed, unlike `<> all`: both may be thousands.
        and not exists (select from unnest(told) t (user_id) where t.user_id = w.user_id);
$$;
revoke all on function tidings.audience(text[], text[], text, boolean, text) from public;
grant execute on function tidings.audience(text[], text[], text, boolean, text) to tidings_dba;
