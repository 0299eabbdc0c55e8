-- Ends a rule of a table, or all of them (name null). Returns how many. Only the table's owner may.
--
-- Locks: access exclusive on the table, for at most 3 s of waiting.
create or replace function tidings.remove_notification_rule(tbl regclass, name text default null)
    returns integer
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '3s'
as $$
declare
    v_removed integer;
begin
    if not pg_has_role((select c.relowner from pg_class c where c.oid = tbl), 'usage') then
        raise exception 'expected you to own %, which is needed to end its rules', tbl using errcode = '42501';
    end if;
    -- At once what dropping a trigger needs: going from a weaker lock to this one could be stuck.
    execute format('lock table %s in access exclusive mode', tbl);
    select count(*) into v_removed
    from tidings.notification_rules d
    where d.table_name = tbl and (remove_notification_rule.name is null or d.name = remove_notification_rule.name);
    if v_removed > 0 then
        perform tidings.attach_rules(tbl, array(
            select d.rule
            from tidings.notification_rules d
            where d.table_name = tbl and d.name <> remove_notification_rule.name
        ));
    end if;
    return v_removed;
end;
$$;
revoke all on function tidings.remove_notification_rule(regclass, text) from public;
grant execute on function tidings.remove_notification_rule(regclass, text) to tidings_dba;
