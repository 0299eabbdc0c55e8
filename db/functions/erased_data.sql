-- What an event says once a person is forgotten. A row of the engine's own goes on telling servers whom it concerns, by
-- pseudonym; of the row of the person itself nothing is said any more, nor in their own topic.
create or replace function tidings.erased_data(
    topic text,
    event text,
    data jsonb,
    id text,
    is_row boolean,
    likes text[],
    wholes text,
    parts text,
    fields text
)
    returns jsonb
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when topic like 'tidings:%' and data ->> 'user' = id then data - 'user' || jsonb_build_object('pseudonym', tidings.pseudonym(id))
        when topic like 'tidings:%' or event = 'tidings.reset' then data
        when topic = 'user:' || id or is_row then '{}'
        else tidings.redact(data, likes, wholes, parts, fields)
    end;
end;
$$;
revoke all on function tidings.erased_data(text, text, jsonb, text, boolean, text[], text, text, text) from public;
