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
    v_can_read record;
begin
    select c.* into v_class from pg_class c where c.oid = tbl;
    if not pg_has_role(v_class.relowner, 'usage') then
        raise exception 'expected you to own %, which is needed to declare rules on it', tbl
            using errcode = '42501', hint = format('It belongs to %s.', v_class.relowner::regrole);
    end if;
    if v_class.relkind not in ('r', 'p') then
        raise exception 'expected % to be a table, got a relation of kind %', tbl, v_class.relkind using errcode = '42809';
    end if;
    -- Telling is written there.
    if v_class.relnamespace = 'tidings'::regnamespace then
        raise exception 'expected % to be a table of your own, got one of the engine', tbl using errcode = '42809';
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
    if rule ->> 'watchers' is null or rule ->> 'includeActor' is null then
        raise exception 'expected watchers and include_actor to be true or false, got null' using errcode = '22023';
    end if;
    if rule ->> 'topic' is null then
        raise exception 'expected topic to be given, as % has no tracking with a single topic', tbl
            using errcode = '22023', hint = 'It is what users must be allowed to read; say $$null$$ if whoever is named is to be told.';
    end if;
    if not exists (select from tidings.notification_types t where t.type = rule ->> 'type') then
        raise exception 'expected type to be one declared by tidings.notification_type, got %', coalesce(quote_literal(rule ->> 'type'), 'null')
            using errcode = '22023';
    end if;
    foreach v_kind in array coalesce(tidings.topic_kinds_of(array[rule ->> 'topic']), '{}') loop
        select p.oid, p.pronamespace into v_can_read
        from tidings.topic_kinds k
        join pg_proc p on format('%s.%I', p.pronamespace::regnamespace, p.proname) = k.can_read
            and p.proargtypes[0] = 'text'::regtype and p.proargtypes[1] = k.id_type::regtype and p.pronargs = 2
        where k.kind = v_kind;
        if not (has_function_privilege(v_class.relowner, v_can_read.oid, 'execute')
            and has_schema_privilege(v_class.relowner, v_can_read.pronamespace, 'usage'))
        then
            raise exception 'expected the owner of %, %, to be allowed to ask who can read topics of kind %', tbl, v_class.relowner::regrole, v_kind
                using errcode = '42501';
        end if;
    end loop;
    perform tidings.check_expression(rule ->> k)
    from unnest('{condition,topic,users,payload,groupKey,actor}'::text[]) k;
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
    "$type" pg_type;
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
    select t.* into "$type" from pg_type t where t.oid = pg_typeof((%4$s
    ));
    if "$type".typcategory = 'A' then
        raise exception 'expected topic to be a text such as $$''project:'' || r.project_id$$, got %%', format_type("$type".oid, null)
            using errcode = '22023';
    end if;
    "$users" := (%5$s
    )::text[];
    select t.* into "$type" from pg_type t where t.oid = pg_typeof((%5$s
    ));
    if "$type".typcategory not in ('A', 'X') then
        raise exception 'expected users to be an array such as $$array[r.assignee_id]$$, got %%', format_type("$type".oid, null)
            using errcode = '22023';
    end if;
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
