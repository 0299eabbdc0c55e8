-- What is tracked, read from the catalogue: one row per tracking. The declaration lives in the comment of its trigger
-- functions, so it is dumped, restored and dropped with them and can never disagree with what runs.
create or replace view tidings.tracked as
select
    t.tgrelid::regclass as table_name,
    d.declaration ->> 'name' as name,
    d.declaration ->> 'entity' as entity,
    d.declaration,
    count(*)::integer as triggers,
    count(*) filter (where t.tgenabled = 'D')::integer as disabled
from pg_catalog.pg_trigger t
join pg_catalog.pg_proc p on p.oid = t.tgfoid
join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'tidings_capture'
-- Comments of other functions are not JSON, and a plan may come to them before it comes to the schema.
cross join lateral (
    select case when p.pronamespace = n.oid then pg_catalog.obj_description(p.oid, 'pg_proc')::jsonb end as declaration
) d
where d.declaration ? 'name'
group by t.tgrelid, d.declaration;
grant select on tidings.tracked to tidings_dba, tidings_server, tidings_reader;
