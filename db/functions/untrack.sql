-- Ends a tracking of a table, or all of them (name null): drops its triggers and their functions. Returns how many
-- trackings it ended.
--
-- Only the table's owner may. Locks: access exclusive on the table, for at most 3 s of waiting.
create or replace function tidings.untrack(tbl regclass, name text default null)
    returns integer
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '3s'
as $$
declare
    v_trigger record;
    v_names text[] := '{}';
begin
    if not pg_has_role((select c.relowner from pg_class c where c.oid = tbl), 'usage') then
        raise exception 'expected you to own %, which is needed to untrack it', tbl using errcode = '42501';
    end if;
    for v_trigger in
        select t.tgname, p.oid::regprocedure as function, obj_description(p.oid, 'pg_proc')::jsonb ->> 'name' as name
        from pg_trigger t
        join pg_proc p on p.oid = t.tgfoid
        join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'tidings_capture'
        where t.tgrelid = tbl and not t.tgisinternal and t.tgparentid = 0
    loop
        -- Functions of notification rules have no name.
        continue when v_trigger.name is null or v_trigger.name <> untrack.name;
        execute format('drop trigger %I on %s', v_trigger.tgname, tbl);
        execute format('drop function if exists %s', v_trigger.function);
        v_names := v_names || v_trigger.name;
    end loop;
    return (select count(distinct u.name)::integer from unnest(v_names) u (name));
end;
$$;
revoke all on function tidings.untrack(regclass, text) from public;
grant execute on function tidings.untrack(regclass, text) to tidings_dba;
