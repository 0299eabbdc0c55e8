-- Raises unless a tracking may be declared so: who asks, the table, the names, the columns, and each expression tried out
-- on a row of nulls.
create or replace function tidings.check_tracking(
    tbl regclass,
    entity text,
    name text,
    topic text[],
    event text,
    data text,
    columns text[],
    ignore text[],
    redact text[],
    ops text[]
)
    returns void
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
as $check$
declare
    v_class pg_class;
    v_unknown text;
begin
    select c.* into v_class from pg_class c where c.oid = tbl;
    if not pg_has_role(v_class.relowner, 'usage') then
        raise exception 'expected you to own %, which is needed to track it', tbl
            using errcode = '42501', hint = format('It belongs to %s.', v_class.relowner::regrole);
    end if;
    if v_class.relkind not in ('r', 'p') then
        raise exception 'expected % to be a table, got a relation of kind %', tbl, v_class.relkind using errcode = '42809';
    end if;
    -- To log what is logged would never end.
    if v_class.relnamespace = 'tidings'::regnamespace then
        raise exception 'expected % to be a table of your own, got one of the engine', tbl using errcode = '42809';
    end if;
    if not has_function_privilege(v_class.relowner, 'tidings.capture_failed(text,text,text,text[],text[],text,text,jsonb)', 'execute') then
        raise exception 'expected the owner of %, %, to be a member of tidings_dba', tbl, v_class.relowner::regrole
            using errcode = '42501', hint = format('grant tidings_dba to %s;', v_class.relowner::regrole);
    end if;
    if not exists (select from pg_constraint k where k.conrelid = tbl and k.contype = 'p')
        and ('UPDATE' = any (ops) or data is null)
    then
        raise exception 'expected % to have a primary key', tbl
            using errcode = '42P16', hint = 'Add one, or track inserts and deletes only, with a data expression.';
    end if;
    if name !~ '^[a-z][a-z0-9_]{0,31}$' then
        raise exception 'expected name to match [a-z][a-z0-9_]{0,31}, got %', quote_literal(name) using errcode = '22023';
    end if;
    if entity !~ '^[a-z][a-z0-9_]{0,63}$' or entity = 'tidings' then
        raise exception 'expected entity to match [a-z][a-z0-9_]{0,63}, got %', quote_literal(entity) using errcode = '22023';
    end if;
    if topic is null or cardinality(topic) = 0 or array_position(topic, null) is not null then
        raise exception 'expected topic to be an SQL expression such as $$''project:'' || r.project_id$$, got null'
            using errcode = '22023';
    end if;
    if ops = '{}' or not ops <@ array['INSERT', 'UPDATE', 'DELETE'] then
        raise exception 'expected ops to be some of insert, update and delete, got %', ops using errcode = '22023';
    end if;
    select string_agg(distinct quote_literal(u), ', ') into v_unknown
    from unnest(columns || ignore || redact) u
    where not exists (select from tidings.capture_columns(tbl, null, '{}', '{}') c where c.name = u);
    if v_unknown is not null then
        raise exception 'expected columns, ignore and redact to name columns of %, got %', tbl, v_unknown using errcode = '42703';
    end if;
    perform tidings.check_expression(x) from unnest(topic || array[event, data]) x;
    execute format(
        'do %L',
        format(
            $do$
#variable_conflict use_variable
declare
    r record;
    o record;
    op text := 'INSERT';
    changes jsonb;
    "$row" record;
    "$topics" text[];
    "$event" text;
    "$data" jsonb;
begin
    select %1$s as r into "$row" from (select) "$one" left join %2$s "tidings$new" on false;
    r := "$row".r;
    o := r;
    %3$s
    "$event" := (%4$s
    );
    "$data" := (%5$s
    );
end;
$do$,
            tidings.row_of('tidings$new', tbl),
            tbl,
            (select string_agg(format(e'"$topics" := tidings.as_topics((%s\n    ));', t), e'\n    ') from unnest(topic) t),
            coalesce(event, 'null'),
            coalesce(data, 'null')
        )
    );
end;
$check$;
revoke all on function tidings.check_tracking(regclass, text, text, text[], text, text, text[], text[], text[], text[]) from public;
grant execute on function tidings.check_tracking(regclass, text, text, text[], text, text, text[], text[], text[], text[]) to tidings_dba;
