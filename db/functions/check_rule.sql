-- Raises unless a rule may be declared so: who asks, the table, the name, the type, and each expression tried out on a row
-- of nulls.
create or replace function tidings.check_rule(tbl regclass, rule jsonb)
    returns void
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
as $check$
declare
    v_class pg_class;
    v_ops text[] := array(select jsonb_array_elements_text(rule -> 'ops'));
    v_kind text;
begin
    select c.* into v_class from pg_class c where c.oid = tbl;
    if not pg_has_role(v_class.relowner, 'usage') then
        raise exception 'expected you to own %, which is needed to declare rules on it', tbl
            using errcode = '42501', hint = format('It belongs to %s.', v_class.relowner::regrole);
    end if;
    if v_class.relkind not in ('r', 'p') then
        raise exception 'expected % to be a table, got a relation of kind %', tbl, v_class.relkind using errcode = '42809';
    end if;
    if not has_function_privilege(v_class.relowner, 'tidings.notify(text[],integer[],text[],jsonb[],text[],text[],text[])', 'execute') then
        raise exception 'expected the owner of %, %, to be a member of tidings_dba', tbl, v_class.relowner::regrole
            using errcode = '42501', hint = format('grant tidings_dba to %s;', v_class.relowner::regrole);
    end if;
    if 'UPDATE' = any (v_ops) and not exists (select from pg_constraint k where k.conrelid = tbl and k.contype = 'p') then
        raise exception 'expected % to have a primary key', tbl
            using errcode = '42P16', hint = 'Add one, or declare the rule for inserts and deletes only.';
    end if;
    if rule ->> 'name' is null or rule ->> 'name' !~ '^[a-z][a-z0-9_]{0,31}$' then
        raise exception 'expected name to match [a-z][a-z0-9_]{0,31}, got %', coalesce(quote_literal(rule ->> 'name'), 'null') using errcode = '22023';
    end if;
    if v_ops = '{}' or not v_ops <@ array['INSERT', 'UPDATE', 'DELETE'] then
        raise exception 'expected ops to be some of insert, update and delete, got %', v_ops using errcode = '22023';
    end if;
    if rule ->> 'users' is null or rule ->> 'condition' is null or rule ->> 'payload' is null or rule ->> 'precedence' is null then
        raise exception 'expected users, condition, payload and precedence to be given, got null' using errcode = '22023';
    end if;
    if not exists (select from tidings.notification_types t where t.type = rule ->> 'type') then
        raise exception 'expected type to be one declared by tidings.notification_type, got %', coalesce(quote_literal(rule ->> 'type'), 'null')
            using errcode = '22023';
    end if;
    foreach v_kind in array coalesce(tidings.topic_kinds_of(array[rule ->> 'topic']), '{}') loop
        if not has_function_privilege(v_class.relowner, (select k.can_read || '(text,' || k.id_type || ')' from tidings.topic_kinds k where k.kind = v_kind), 'execute') then
            raise exception 'expected the owner of %, %, to be allowed to ask who can read topics of kind %', tbl, v_class.relowner::regrole, v_kind
                using errcode = '42501';
        end if;
    end loop;
    execute format(
        'do %L',
        format(
            $do$
#variable_conflict use_variable
declare
    r record;
    o record;
    op text := 'INSERT';
    "$row" record;
    "$condition" boolean;
    "$topic" text;
    "$users" text[];
    "$payload" jsonb;
    "$group" text;
    "$actor" text;
begin
    select %1$s as r into "$row" from (select) "$one" left join %2$s "tidings$new" on false;
    r := "$row".r;
    o := r;
    "$condition" := (%3$s
    );
    "$topic" := (%4$s
    );
    "$users" := (%5$s
    )::text[];
    "$payload" := (%6$s
    );
    "$group" := (%7$s
    );
    "$actor" := (%8$s
    );
end;
$do$,
            tidings.row_of('tidings$new', tbl),
            tbl,
            rule ->> 'condition', rule ->> 'topic', rule ->> 'users', rule ->> 'payload', coalesce(rule ->> 'groupKey', 'null'), coalesce(rule ->> 'actor', 'null')
        )
    );
end;
$check$;
revoke all on function tidings.check_rule(regclass, jsonb) from public;
grant execute on function tidings.check_rule(regclass, jsonb) to tidings_dba;
