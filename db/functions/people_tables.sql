-- The tables that the view named by `tidings.people` reads, or the one it is. Read from the catalogue, so no right on them
-- is needed.
create or replace function tidings.people_tables()
    returns oid[]
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    with recursive named (relation) as (
        select c.oid
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join tidings.setting s on s.name = 'people' and format('%I.%I', n.nspname, c.relname) = s.value #>> '{}'
        union
        select d.refobjid
        from named v
        join pg_rewrite r on r.ev_class = v.relation
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
    )
    select coalesce(array_agg(v.relation), '{}')
    from named v join pg_class c on c.oid = v.relation and c.relkind in ('r', 'p', 'f');
$$;
revoke all on function tidings.people_tables() from public;
