-- Appends a row that is the engine's own: on a reserved topic, or the `tidings.reset` mark in a topic of its own.
create or replace function tidings.append_reserved(topic text, event text, data jsonb)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    insert into tidings.event (xid, at, topic, event, data)
    values (
        pg_current_xact_id(),
        greatest(clock_timestamp(), to_timestamp(pg_sequence_last_value('tidings.horizon'))),
        append_reserved.topic,
        append_reserved.event,
        append_reserved.data
    );
    perform tidings.ring();
end;
$$;
revoke all on function tidings.append_reserved(text, text, jsonb) from public;
