-- True, or raises what was expected of a notification and what came.
create or replace function tidings.is_notification(user_id text, type text, payload jsonb, group_key text, topic text)
    returns boolean
    language plpgsql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tidings.is_id(user_id) is not true then
        raise exception 'expected a user to be 1 to 128 of A-Z a-z 0-9 _ . @ | : + -, got %', coalesce(quote_literal(left(user_id, 200)), 'null')
            using errcode = '22023';
    end if;
    if tidings.is_event_name(type) is not true then
        raise exception 'expected type to be a name like task.assigned, got %', coalesce(quote_literal(left(type, 200)), 'null')
            using errcode = '22023';
    end if;
    if jsonb_typeof(payload) is distinct from 'object' then
        raise exception 'expected payload to be a JSON object, got %', coalesce(left(payload::text, 80), 'null') using errcode = '22023';
    end if;
    if octet_length(group_key) > 512 then
        raise exception 'expected group_key to have at most 512 bytes, got %', octet_length(group_key) using errcode = '22023';
    end if;
    if tidings.is_topic(topic) is false or topic like 'tidings:%' then
        raise exception 'expected topic to be <kind>:<id> of a kind other than tidings, got %', quote_literal(left(topic, 200))
            using errcode = '22023';
    end if;
    return true;
end;
$$;
revoke all on function tidings.is_notification(text, text, jsonb, text, text) from public;
grant execute on function tidings.is_notification(text, text, jsonb, text, text) to tidings_server, tidings_dba;
