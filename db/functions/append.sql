-- Appends one event per element of three arrays of equal length, with the transaction's actor, request and trace, and
-- wakes the sequencer. Returns how many. What generated triggers and `emit` call; owned by the engine, so a writer needs no
-- right on the log. One statement and one test, because PostgreSQL sets each up anew in every transaction.
--
-- The settings are '' for the rest of a connection that once had them by `set local`; a malformed one means null, never a
-- lost event.
--
-- Locks: row exclusive on the log; generated triggers wait for it 250 ms at most. Raises on a malformed or reserved topic or event name.
create or replace function tidings.append(topics text[], events text[], data jsonb[])
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    insert into tidings.event (xid, at, topic, event, actor_id, data, request_id, traceparent)
    select
        pg_current_xact_id(),
        greatest(clock_timestamp(), to_timestamp(pg_sequence_last_value('tidings.horizon'))),
        case
            when tidings.is_topic(n.topic) and n.topic not like 'tidings:%' and tidings.is_event_name(n.event) then n.topic
            else tidings.refuse_event(n.topic, n.event)
        end,
        n.event,
        case when tidings.is_id(current_setting('tidings.actor', true)) then current_setting('tidings.actor', true) end,
        case when pg_column_size(n.data) > 4096 then tidings.shorten(n.data) else n.data end,
        case when tidings.is_request_id(current_setting('tidings.request_id', true)) then current_setting('tidings.request_id', true) end,
        case when tidings.is_traceparent(current_setting('tidings.traceparent', true)) then current_setting('tidings.traceparent', true) end
    from unnest(append.topics, append.events, append.data) n (topic, event, data);
    if tidings.must_ring() then
        perform pg_notify('tidings_wake', '');
    end if;
    return cardinality(topics);
end;
$$;
revoke all on function tidings.append(text[], text[], jsonb[]) from public;
grant execute on function tidings.append(text[], text[], jsonb[]) to tidings_dba;
