-- The SQL of a whole row of `source` (a transition table, or null in an outer join) as a value of the table's type: never
-- null itself, so that its fields can be read. By `.*`, which no column can stand for whatever its name, and which takes in
-- columns added later. Only a virtual column has no value in a transition table, and then they are listed one by one.
create or replace function tidings.row_of(source text, tbl regclass)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select format('row(%s)::%s', case when bool_or(a.attgenerated = 'v') then string_agg(c.value, ', ' order by a.attnum)
        else tidings.quote_name(source) || '.*' end, tbl)
    from pg_attribute a
    cross join lateral (
        select case when a.attgenerated = 'v' then 'null' else tidings.quote_name(source) || '.' || tidings.quote_name(a.attname) end as value
    ) c
    where a.attrelid = tbl and a.attnum > 0 and not a.attisdropped;
$$;
