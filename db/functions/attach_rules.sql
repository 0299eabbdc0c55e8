-- Makes these rules the ones of a table: a trigger for each operation that one of them names, with a function of the table's
-- owner that is security definer and executable by nobody else, and reads its strings alike whatever the writer's session
-- says. Does nothing if that is just what is there.
create or replace function tidings.attach_rules(tbl regclass, rules jsonb[])
    returns void
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
as $attach$
declare
    v_owner oid := (select c.relowner from pg_class c where c.oid = tbl);
    v_trigger record;
    v_op text;
    v_rules jsonb;
    v_source text;
    v_function text;
begin
    foreach v_op in array array['INSERT', 'UPDATE', 'DELETE'] loop
        select jsonb_agg(u.rule order by (u.rule ->> 'precedence')::integer desc, u.rule ->> 'name') into v_rules
        from unnest(rules) u (rule)
        where u.rule -> 'ops' ? v_op;
        v_source := tidings.rules_source(tbl, v_op, v_rules);
        select t.tgname, p.oid::regprocedure as function, p.prosrc, p.proowner, obj_description(p.oid, 'pg_proc')::jsonb as comment into v_trigger
        from pg_trigger t
        join pg_proc p on p.oid = t.tgfoid
        join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'tidings_capture'
        where t.tgrelid = tbl and t.tgparentid = 0 and t.tgname = 'tidings~rules_' || lower(v_op);
        continue when v_trigger.prosrc is not distinct from v_source and v_trigger.comment -> 'rules' is not distinct from v_rules
            and v_trigger.proowner is not distinct from case when v_rules is not null then v_owner end;
        if v_trigger.tgname is not null then
            execute format('drop trigger %I on %s', v_trigger.tgname, tbl);
            execute format('drop function %s', v_trigger.function);
        end if;
        continue when v_rules is null;
        v_function := format('tidings_capture.%I', concat_ws('_',
            left((select regexp_replace(lower(c.relname), '[^a-z0-9]+', '_', 'g') from pg_class c where c.oid = tbl), 12),
            'rules', lower(v_op), left(md5(tbl::oid::text), 6)
        ));
        execute format(
            'create function %s() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp
                set standard_conforming_strings = on set lock_timeout = ''250ms'' as %L',
            v_function, v_source
        );
        execute format('revoke all on function %s() from public', v_function);
        execute format('comment on function %s() is %L', v_function, jsonb_build_object('rules', v_rules));
        -- Its name sorts after those of trackings, so what happened stands in the log before who is told.
        execute format(
            'create trigger %I after %s on %s %s for each statement execute function %s()',
            'tidings~rules_' || lower(v_op), v_op, tbl,
            case v_op
                when 'INSERT' then 'referencing new table as "tidings$new"'
                when 'UPDATE' then 'referencing old table as "tidings$old" new table as "tidings$new"'
                else 'referencing old table as "tidings$old"'
            end,
            v_function
        );
        if v_owner <> (select r.oid from pg_roles r where r.rolname = current_user) then
            execute format('alter function %s() owner to %s', v_function, v_owner::regrole);
        end if;
    end loop;
end;
$attach$;
revoke all on function tidings.attach_rules(regclass, jsonb[]) from public;
grant execute on function tidings.attach_rules(regclass, jsonb[]) to tidings_dba;
