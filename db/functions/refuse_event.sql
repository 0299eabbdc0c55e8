-- Raises: a topic or an event's name is malformed or the engine's own. Text, to stand in a `case`.
create or replace function tidings.refuse_event(topic text, event text)
    returns text
    language plpgsql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
begin
    if topic like 'tidings:%' or event like 'tidings.%' then
        raise exception 'expected a topic and an event that are not the engine''s own, got topic % and event %', topic, event
            using errcode = '22023';
    end if;
    raise exception 'expected a topic <kind>:<id> and an event named like task.created, got topic % and event %',
        coalesce(quote_literal(left(topic, 200)), 'null'), coalesce(quote_literal(left(event, 200)), 'null')
        using errcode = '22023';
end;
$$;
