-- Puts the triggers of a declaration on a table, replacing what the same name had. Does nothing if that is just what is
-- there. The functions belong to the table's owner, are security definer and executable by nobody else, and read their strings
-- alike whatever the writer's session says.
create or replace function tidings.attach_triggers(tbl regclass, declaration jsonb)
    returns void
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
as $attach$
declare
    v_name text := declaration ->> 'name';
    v_owner oid := (select c.relowner from pg_class c where c.oid = tbl);
    v_kinds text[] := (select array_agg(k) from jsonb_array_elements_text(nullif(declaration -> 'kinds', 'null')) k);
    v_wanted jsonb;
    v_present jsonb;
    v_op text;
    v_source text;
    v_function text;
begin
    select jsonb_object_agg(o.op, case
            when o.op = 'TRUNCATE' then format(
                e'\nbegin\n    perform tidings.table_truncated(%1$L);\n    return null;\n%2$send;\n',
                v_kinds,
                case when not (declaration ->> 'strict')::boolean then format(
                    e'exception\n    when others or assert_failure then\n        perform tidings.capture_failed(%L, %L, ''TRUNCATE'', null, %L, sqlstate, sqlerrm, null);\n        return null;\n',
                    tbl::text, v_name, v_kinds
                ) end
            )
            else tidings.capture_source(tbl, o.op, declaration)
        end)
        into v_wanted
    from (select jsonb_array_elements_text(declaration -> 'ops') as op union all select 'TRUNCATE') o;

    select jsonb_object_agg(upper(split_part(t.tgname, '_', -1)), p.prosrc) into v_present
    from pg_trigger t
    join pg_proc p on p.oid = t.tgfoid
    join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'tidings_capture'
    where t.tgrelid = tbl and t.tgparentid = 0 and p.proowner = v_owner
        -- Comments of other functions are no JSON, and a condition may be looked at before the join.
        and case when n.nspname = 'tidings_capture' then obj_description(p.oid, 'pg_proc')::jsonb = declaration end;
    if v_present = v_wanted then
        return;
    end if;

    perform tidings.untrack(tbl, v_name);
    for v_op, v_source in select w.key, w.value from jsonb_each_text(v_wanted) w loop
        v_function := format('tidings_capture.%I', concat_ws('_',
            left((select regexp_replace(lower(c.relname), '[^a-z0-9]+', '_', 'g') from pg_class c where c.oid = tbl), 12),
            v_name, lower(v_op), left(md5(tbl::oid::text || v_name), 6)
        ));
        execute format(
            'create function %s() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp
                set standard_conforming_strings = on set lock_timeout = ''250ms'' as %L',
            v_function, v_source
        );
        execute format('revoke all on function %s() from public', v_function);
        execute format('comment on function %s() is %L', v_function, declaration);
        execute format(
            'create trigger %I after %s on %s %s for each statement execute function %s()',
            'tidings_' || v_name || '_' || lower(v_op), v_op, tbl,
            case v_op
                when 'INSERT' then 'referencing new table as "tidings$new"'
                when 'UPDATE' then 'referencing old table as "tidings$old" new table as "tidings$new"'
                when 'DELETE' then 'referencing old table as "tidings$old"'
                else ''
            end,
            v_function
        );
        if v_owner <> (select r.oid from pg_roles r where r.rolname = current_user) then
            execute format('alter function %s() owner to %s', v_function, v_owner::regrole);
        end if;
    end loop;
end;
$attach$;
revoke all on function tidings.attach_triggers(regclass, jsonb) from public;
grant execute on function tidings.attach_triggers(regclass, jsonb) to tidings_dba;
