-- What a user has chosen for a type on a channel, itself or by '*'; null if nothing.
create or replace function tidings.preference_of(user_id text, type text, channel text)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select p.value
    from tidings.preference p
    where p.user_id = preference_of.user_id
        and p.type in (preference_of.type, '*')
        and p.channel = preference_of.channel
    order by p.type = '*'
    limit 1;
$$;
revoke all on function tidings.preference_of(text, text, text) from public;
grant execute on function tidings.preference_of(text, text, text) to tidings_server;
