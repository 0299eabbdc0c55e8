-- The columns of a table as capture sees them: which make up the key, which refer to other tables, and how each is
-- compared and rendered. `tracked` says whether a change of it counts.
create or replace function tidings.capture_columns(tbl regclass, columns text[], ignore text[], redact text[])
    returns table (
        name text,
        field text,
        is_key boolean,
        is_reference boolean,
        tracked boolean,
        redacted boolean,
        differs text,
        joined text,
        new_json text
    )
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select
        a.attname::text,
        tidings.camel_case(a.attname::text),
        coalesce(a.attnum = any (k.conkey), false),
        exists (
            select from pg_catalog.pg_constraint f
            where f.conrelid = tbl and f.contype = 'f' and a.attnum = any (f.conkey)
        ),
        (columns is null or a.attname = any (columns)) and a.attname <> all (ignore),
        a.attname = any (redact),
        format('r.%1$s%2$s is distinct from o.%1$s%2$s', c.quoted, c.as_text),
        format('"tidings$new".%1$s%2$s = "tidings$old".%1$s%2$s', c.quoted, c.as_text),
        tidings.json_of_column('r', a.attname::text, a.atttypid)
    from pg_catalog.pg_attribute a
    cross join lateral (
        select
            tidings.quote_name(a.attname) as quoted,
            case when not tidings.has_equality(a.atttypid) then '::text' else '' end as as_text
    ) c
    left join pg_catalog.pg_constraint k on k.conrelid = tbl and k.contype = 'p'
    where a.attrelid = tbl and a.attnum > 0 and not a.attisdropped
        -- A virtual column has no value in a transition table.
        and a.attgenerated <> 'v'
    order by a.attnum;
$$;
