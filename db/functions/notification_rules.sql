-- The rules there are, read from the catalogue: a rule lives in the comments of its table's trigger functions, so it is
-- dumped, restored and dropped with them and can never disagree with what runs.
create or replace view tidings.notification_rules as
select distinct on (t.tgrelid, d.rule ->> 'name')
    t.tgrelid::regclass as table_name,
    d.rule ->> 'name' as name,
    d.rule ->> 'type' as type,
    (d.rule ->> 'precedence')::integer as precedence,
    t.tgenabled = 'D' as disabled,
    d.rule
from pg_catalog.pg_trigger t
join pg_catalog.pg_proc p on p.oid = t.tgfoid
join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'tidings_capture'
-- Comments of other functions are not JSON, and a plan may come to them before it comes to the schema.
cross join lateral pg_catalog.jsonb_array_elements(
    case when p.pronamespace = n.oid then pg_catalog.obj_description(p.oid, 'pg_proc')::jsonb -> 'rules' end
) d (rule)
where t.tgparentid = 0
order by t.tgrelid, d.rule ->> 'name', t.tgname;
grant select on tidings.notification_rules to tidings_dba, tidings_server, tidings_reader;
