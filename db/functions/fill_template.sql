-- A template with {actor} and the fields of a payload filled in; what is not there is left empty. Plain text: whoever shows
-- it escapes it. Of an address, each is percent-encoded, so that none ends the part of it in which it stands.
-- As it was before it knew addresses.
drop function if exists tidings.fill_template(text, jsonb, text);
create or replace function tidings.fill_template(template text, payload jsonb, actor text, is_url boolean default false)
    returns text
    language plpgsql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
begin
    if strpos(template, '{') = 0 or template is null then
        return btrim(template);
    end if;
    return (
        select btrim(string_agg(
            -- Every second piece is a name: the pieces are cut at the braces, in one pass, so that no value is filled in again.
            case
                when p.n % 2 = 1 then p.piece
                when not is_url or v.value ~ '^[A-Za-z0-9_.~-]*$' then v.value
                else tidings.percent_encoded(v.value)
            end,
            '' order by p.n
        ))
        from regexp_split_to_table(regexp_replace(template, '\{([A-Za-z0-9_]+)\}', E'\x01\\1\x01', 'g'), E'\x01') with ordinality p (piece, n)
        cross join lateral (select coalesce(case when p.piece = 'actor' then actor else payload ->> p.piece end, '') as value) v
    );
end;
$$;
revoke all on function tidings.fill_template(text, jsonb, text, boolean) from public;
grant execute on function tidings.fill_template(text, jsonb, text, boolean) to tidings_server, tidings_dba;
