-- Appends the notifications that `notify` has found to be readable, as their readers prefer, and a `notification.created`
-- in the log for each that the inbox shows or a mail may tell. Returns how many. Owned by the engine, so a writer needs no
-- right on the inbox.
--
-- Locks: row exclusive on the log and the inbox. Raises on a malformed user, type, topic or payload.
create or replace function tidings.append_notifications(
    users text[],
    places integer[],
    types text[],
    payloads jsonb[],
    group_keys text[],
    topics text[],
    actors text[]
)
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    -- Planning for the arrays at hand costs more than it saves.
    set plan_cache_mode = force_generic_plan
as $$
declare
    v_count integer;
begin
    with wanted as materialized (
        select
            gen_random_uuid() as id,
            u.user_id,
            types[u.place] as type,
            case when pg_column_size(payloads[u.place]) > 4096 then tidings.shorten(payloads[u.place]) else payloads[u.place] end as payload,
            group_keys[u.place] as group_key,
            topics[u.place] as topic,
            coalesce(actors[u.place], current_setting('tidings.actor', true)) as actor_id,
            c.in_app,
            c.email,
            u.n
        from unnest(users, places) with ordinality u (user_id, place, n)
        cross join lateral tidings.channels_of(u.user_id, types[u.place], topics[u.place]) c
        where (c.in_app or c.email is distinct from 'off')
            and tidings.is_notification(u.user_id, types[u.place], payloads[u.place], group_keys[u.place], topics[u.place])
    ), appended as (
        insert into tidings.event (xid, at, topic, event, actor_id, data, request_id, traceparent)
        select
            pg_current_xact_id(),
            greatest(clock_timestamp(), to_timestamp(pg_sequence_last_value('tidings.horizon'))),
            'user:' || w.user_id,
            'notification.created',
            case when tidings.is_id(w.actor_id) then w.actor_id end,
            jsonb_build_object('id', w.id),
            case when tidings.is_request_id(current_setting('tidings.request_id', true)) then current_setting('tidings.request_id', true) end,
            case when tidings.is_traceparent(current_setting('tidings.traceparent', true)) then current_setting('tidings.traceparent', true) end
        from wanted w
        order by w.n
        returning id, at, actor_id, data
    )
    insert into tidings.notification (id, xid, user_id, type, payload, actor_id, group_key, topic, event_id, in_app, email, created_at)
    select w.id, pg_current_xact_id(), w.user_id, w.type, w.payload, a.actor_id, w.group_key, w.topic, a.id, w.in_app, w.email, a.at
    from wanted w
    join appended a on (a.data ->> 'id')::uuid = w.id
    order by w.n;
    get diagnostics v_count = row_count;
    if v_count > 0 then
        perform tidings.ring();
    end if;
    return v_count;
end;
$$;
revoke all on function tidings.append_notifications(text[], integer[], text[], jsonb[], text[], text[], text[]) from public;
grant execute on function tidings.append_notifications(text[], integer[], text[], jsonb[], text[], text[], text[]) to tidings_dba, tidings_server;
