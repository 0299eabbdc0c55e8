-- Makes `{type: {channel: value}}` all that a user has chosen.
--
-- Errors: 22023 for a malformed user, type, channel or value.
create or replace function tidings.replace_preferences(user_id text, preferences jsonb)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    -- Two at once would wait for each other, or leave what both chose.
    perform from tidings.chore c
    where c.name = 'preferences:' || (hashtextextended(user_id, 0) & 63)
    for update;
    delete from tidings.preference p
    where p.user_id = replace_preferences.user_id and preferences -> p.type -> p.channel is null;
    perform tidings.set_preference(user_id, t.key, c.key, c.value #>> '{}')
    from jsonb_each(preferences) t
    cross join lateral jsonb_each(t.value) c
    order by t.key, c.key;
end;
$$;
revoke all on function tidings.replace_preferences(text, jsonb) from public;
grant execute on function tidings.replace_preferences(text, jsonb) to tidings_server, tidings_dba;
