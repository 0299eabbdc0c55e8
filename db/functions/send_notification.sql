-- Notifies users of something that no table write tells. Who may not read `topic`, if one is given, is left out. Returns how
-- many notifications there are now; 0 if `dedupe_key` was used before (within retention).
--
-- Errors: 22023 for a malformed argument. Locks: with a key, waits for a transaction that has just used the same one.
create or replace function tidings.send_notification(
    users text[],
    type text,
    payload jsonb default '{}',
    topic text default null,
    group_key text default null,
    dedupe_key text default null,
    actor text default null
)
    returns integer
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_users text[] := array(select distinct u from unnest(users) u);
begin
    perform tidings.is_notification(u, send_notification.type, payload, group_key, topic) from unnest(v_users) u;
    if dedupe_key is not null and not tidings.is_first('send:' || dedupe_key) then
        return 0;
    end if;
    return tidings.notify(
        v_users, array_fill(1, array[cardinality(v_users)]), array[send_notification.type], array[payload], array[group_key], array[topic], array[actor]
    );
end;
$$;
revoke all on function tidings.send_notification(text[], text, jsonb, text, text, text, text) from public;
grant execute on function tidings.send_notification(text[], text, jsonb, text, text, text, text) to tidings_dba, tidings_server;
