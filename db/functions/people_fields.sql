-- The fields by which events tell of people: those of columns that refer to the tables behind `tidings.people`.
create or replace function tidings.people_fields()
    returns text[]
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(distinct tidings.camel_case(a.attname)), '{}')
    from pg_constraint c
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'f' and cardinality(c.conkey) = 1 and c.confrelid = any (tidings.people_tables());
$$;
revoke all on function tidings.people_fields() from public;
