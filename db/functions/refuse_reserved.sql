-- Raises: nobody but the engine writes to topics of kind tidings or names events tidings.*. Text, to stand in a `case`.
create or replace function tidings.refuse_reserved(topic text, event text)
    returns text
    language plpgsql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'expected a topic and an event that are not the engine''s own, got topic % and event %', topic, event
        using errcode = '22023';
end;
$$;
