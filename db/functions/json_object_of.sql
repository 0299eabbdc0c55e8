-- The SQL of a JSON object from field names and value expressions. In pieces of 40: a function takes at most 100 arguments.
create or replace function tidings.json_object_of(fields text[], expressions text[])
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
return coalesce((
    select string_agg(p.piece, ' || ' order by p.part)
    from (
        select (u.n - 1) / 40 as part, format('jsonb_build_object(%s)', string_agg(format('%L, %s', u.field, u.expression), ', ' order by u.n)) as piece
        from unnest(fields, expressions) with ordinality u (field, expression, n)
        group by 1
    ) p
), '''{}''::jsonb');
