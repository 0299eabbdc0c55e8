-- Appends one event per element of three arrays of equal length, with the transaction's actor, request and trace, and
-- wakes the sequencer. What generated triggers and `emit` call; owned by the engine, so a writer needs no right on the log.
--
-- Locks: row exclusive on the log; generated triggers wait for it 250 ms at most. Raises on a malformed or reserved topic or event name.
create or replace function tidings.append(topics text[], events text[], data jsonb[])
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    -- After a `set local` these are '' for the rest of the connection; a malformed one means null, never a lost event.
    v_actor text := nullif(current_setting('tidings.actor', true), '');
    v_request text := nullif(current_setting('tidings.request_id', true), '');
    v_trace text := nullif(current_setting('tidings.traceparent', true), '');
begin
    if v_actor is not null and not tidings.is_id(v_actor) then
        v_actor := null;
    end if;
    if v_request is not null and (v_request !~ '^[!-~]+$' or octet_length(v_request) > 128) then
        v_request := null;
    end if;
    if v_trace is not null and v_trace !~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' then
        v_trace := null;
    end if;
    insert into tidings.event (xid, at, topic, event, actor_id, data, request_id, traceparent)
    select
        pg_current_xact_id(),
        greatest(clock_timestamp(), (select h.at from tidings.horizon h)),
        case
            when tidings.is_topic(n.topic) and n.topic not like 'tidings:%' and tidings.is_event_name(n.event) then n.topic
            else tidings.refuse_event(n.topic, n.event)
        end,
        n.event,
        v_actor,
        case when pg_column_size(n.data) > 4096 then tidings.shorten(n.data) else n.data end,
        v_request,
        v_trace
    from unnest(append.topics, append.events, append.data) n (topic, event, data);
    perform tidings.ring();
end;
$$;
revoke all on function tidings.append(text[], text[], jsonb[]) from public;
grant execute on function tidings.append(text[], text[], jsonb[]) to tidings_dba;
