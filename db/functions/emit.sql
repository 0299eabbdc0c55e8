-- Appends an event that no table write makes. Returns its id, or null if `dedupe_key` was used before (within retention).
--
-- Errors: 22023 for a malformed or reserved topic, a malformed event name, or data that is no object.
-- Locks: with a key, waits for a transaction that has just used the same one.
create or replace function tidings.emit(topic text, event text, data jsonb default '{}', dedupe_key text default null)
    returns bigint
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tidings.is_topic(topic) is not true or topic like 'tidings:%' then
        raise exception 'expected topic to be <kind>:<id> of a kind other than tidings, got %', coalesce(quote_literal(topic), 'null')
            using errcode = '22023', hint = 'kind: [a-z][a-z0-9_]{0,31}; id: 1 to 128 of A-Z a-z 0-9 _ . @ | : + -';
    end if;
    if tidings.is_event_name(event) is not true then
        raise exception 'expected event to be a name like sprint.closed, got %', coalesce(quote_literal(event), 'null')
            using errcode = '22023', hint = '1 to 128 of a-z 0-9 _ . -, a letter first, not beginning with tidings.';
    end if;
    if data is null or jsonb_typeof(data) <> 'object' then
        raise exception 'expected data to be a JSON object, got %', coalesce(left(data::text, 80), 'null')
            using errcode = '22023';
    end if;
    if dedupe_key is not null and not tidings.is_first('emit:' || dedupe_key) then
        return null;
    end if;
    perform tidings.append(array[topic], array[event], array[data]);
    return currval('tidings.event_id');
end;
$$;
revoke all on function tidings.emit(text, text, jsonb, text) from public;
grant execute on function tidings.emit(text, text, jsonb, text) to tidings_dba, tidings_server;
