-- A JSON value without a person: what `wholes` finds in its text becomes null, what `parts` finds an ellipsis behind its first
-- group, and of what `fields` finds its first group stays and the rest becomes null. Regular expressions over JSON as jsonb
-- prints it, made by tidings.erase; null finds nothing, and a value that none of `likes` fits stays as it is. On the text,
-- because taking a value apart costs ten times as much.
create or replace function tidings.redact(value jsonb, likes text[], wholes text, parts text, fields text)
    returns jsonb
    language plpgsql
    immutable
    parallel safe
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_text text := value::text;
begin
    if not v_text like any (likes) then
        return value;
    end if;
    if wholes is not null then
        v_text := regexp_replace(regexp_replace(v_text, wholes, 'null', 'g'), parts, '\1…', 'g');
    end if;
    if fields is not null then
        v_text := regexp_replace(v_text, fields, '\1null', 'g');
    end if;
    return v_text::jsonb;
end;
$$;
revoke all on function tidings.redact(jsonb, text[], text, text, text) from public;
