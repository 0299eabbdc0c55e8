-- The body of the trigger function of one tracking and one operation.
--
-- Rows are taken one by one into the variables r and o, and expressions are evaluated in plpgsql without a FROM, so no
-- column of the table, whatever its name, can stand for r, o or op. The variables are declared as records and get the
-- table's type by a cast in the query: a declaration that names a table which was renamed fails before any exception
-- block is entered, and with it the write.
--
-- A statement of one row that makes one event takes a short way, because PostgreSQL sets up every expression anew in each
-- transaction. Anything else goes in three passes: the first keeps up to 1000 events and is nearly always the only one; if
-- there are more, the second counts rows by topic and the third keeps what is not bulk.
-- A row that changed its topic is a deletion on the topic it left and a creation on the one it came to.
create or replace function tidings.capture_source(tbl regclass, operation text, declaration jsonb)
    returns text
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $source$
declare
    v_topics text;
    -- Statements and not one expression: PostgreSQL sets an expression up anew in every transaction, with all its branches.
    v_event text := case
        when declaration ->> 'event' is not null then format(e'"$event" := (%s\n                );', declaration ->> 'event')
        when operation = 'UPDATE' then format(
            'if op = ''UPDATE'' then "$event" := %L; elsif op = ''INSERT'' then "$event" := %L; else "$event" := %L; end if;',
            declaration ->> 'entity' || '.updated', declaration ->> 'entity' || '.created', declaration ->> 'entity' || '.deleted'
        )
        else format('"$event" := %L;', declaration ->> 'entity' || case operation when 'INSERT' then '.created' else '.deleted' end)
    end;
    v_data text := declaration ->> 'data';
    v_changes text := '';
    v_join text;
    v_key text;
    v_all text;
    v_ids text;
    v_rows text;
    v_load text;
    v_turn text;
    v_handler text := '';
    v_one text;
    v_short text;
    v_same text;
    v_expressions text := concat_ws(' ', declaration ->> 'topic', declaration ->> 'event', declaration ->> 'data');
    v_other boolean := v_expressions ~* '\mo\M';
begin
    select
        case when count(*) = 1 then min(t.one) else format('tidings.as_topics(%s)', string_agg(t.one, ' || ' order by t.n)) end
        into v_topics
    from (
        select format(e'coalesce(tidings.as_topics((%s\n)), ''{}'')', x.expression) as one, x.n
        from jsonb_array_elements_text(declaration -> 'topic') with ordinality x (expression, n)
    ) t;

    select
        string_agg(
            format(
                e'            if %s then changes := changes || jsonb_build_object(%L, %s); end if;\n',
                c.differs, c.field, case when c.redacted then '''{"redacted": true}''::jsonb' else c.new_json end
            ),
            ''
        ) filter (where c.tracked),
        string_agg(c.joined, ' and ') filter (where c.is_key),
        string_agg(format('not (%s)', c.differs), ' and ') filter (where c.is_key),
        min(tidings.quote_name(c.name)) filter (where c.is_key),
        tidings.json_object_of(
            array_agg(c.field) filter (where (c.tracked or c.is_key) and not c.redacted),
            array_agg(c.new_json) filter (where (c.tracked or c.is_key) and not c.redacted)
        ),
        tidings.json_object_of(
            array_agg(c.field) filter (where (c.is_key or c.is_reference) and not c.redacted),
            array_agg(c.new_json) filter (where (c.is_key or c.is_reference) and not c.redacted)
        )
        into v_changes, v_join, v_same, v_key, v_all, v_ids
    from tidings.capture_columns(
        tbl,
        (select array_agg(c) from jsonb_array_elements_text(nullif(declaration -> 'columns', 'null')) c),
        array(select jsonb_array_elements_text(declaration -> 'ignore')),
        array(select jsonb_array_elements_text(declaration -> 'redact'))
    ) c;
    v_one := case
        when v_data is not null then format(e'coalesce((%s\n                        ), ''{}'')', v_data)
        when operation = 'INSERT' then v_all
        when operation = 'DELETE' then v_ids
        else format('%s || jsonb_build_object(''changes'', changes)', v_ids)
    end;
    v_data := case
        when v_data is not null or operation <> 'UPDATE' then format('"$data" := %s;', v_one)
        else format(
            'if op = ''UPDATE'' then "$data" := %s; elsif op = ''INSERT'' then "$data" := %s; else "$data" := %s; end if;',
            v_one, v_all, v_ids
        )
    end;

    v_rows := case
        -- Nobody asks for the other row: a join costs a single-row insert a tenth of its time.
        when operation = 'INSERT' and not v_other then 'select %1$s as r from "tidings$new"'
        when operation = 'DELETE' and not v_other then 'select %2$s as r from "tidings$old"'
        when operation = 'INSERT' then 'select %1$s as r, %2$s as o from "tidings$new" left join "tidings$new" "tidings$old" on false'
        when operation = 'DELETE' then 'select %2$s as r, %1$s as o from "tidings$old" left join "tidings$old" "tidings$new" on false'
        else 'select %1$s as r, %2$s as o from "tidings$new" full join "tidings$old" on %3$s'
    end;
    v_rows := format(v_rows, tidings.row_of('tidings$new', tbl), tidings.row_of('tidings$old', tbl), v_join);
    if not (declaration ->> 'strict')::boolean then
        v_handler := tidings.capture_handler(tbl, operation, declaration, v_rows, v_topics, v_key, v_changes);
    end if;

    v_load := case operation
        when 'UPDATE' then format(
            $text$
            r := "$row".r;
            o := "$row".o;
            if r.%1$s is null then
                "$none" := r;
                "$old" := o;
                r := o;
                o := "$none";
                op := 'DELETE';
                "$new_topics" := '{}';
                "$old_topics" := %2$s;
            elsif o.%1$s is null then
                "$new" := r;
                op := 'INSERT';
                "$new_topics" := %2$s;
                "$old_topics" := '{}';
            else
                op := 'UPDATE';
                changes := '{}';
%3$s
                "$new_topics" := %2$s;
                "$new" := r;
                "$old" := o;
                r := o;
                "$old_topics" := %2$s;
                r := "$new";
            end if;
            "$topics" := "$new_topics";
            if "$new_topics" = "$old_topics" then
                continue rows when changes = '{}';
                "$ops" := '{UPDATE}';
            else
                select %4$s as o into "$row" from (select) "$one" left join "tidings$old" on false;
                "$none" := "$row".o;
                "$changes" := changes;
                "$ops" := array_remove(array[
                    case when not "$old_topics" <@ "$new_topics" then 'DELETE' end,
                    case when not "$new_topics" <@ "$old_topics" then 'INSERT' end,
                    case when "$new_topics" && "$old_topics" and changes <> '{}' then 'UPDATE' end
                ], null);
            end if;$text$,
            v_key,
            v_topics,
            v_changes,
            tidings.row_of('tidings$old', tbl)
        )
        else format(
            $text$
            r := "$row".r;
%3$s            op := %1$L;
            "$ops" := '{%1$s}';
            "$topics" := %2$s;$text$,
            operation,
            v_topics,
            case when v_other then e'            o := "$row".o;\n' else '' end
        )
    end;

    v_short := tidings.capture_short_way(
        operation,
        case
            when operation = 'UPDATE' then format(
                'select %s as r, %s as o from "tidings$new" cross join "tidings$old"',
                tidings.row_of('tidings$new', tbl), tidings.row_of('tidings$old', tbl)
            )
            else v_rows
        end,
        v_topics,
        declaration ->> 'event',
        case when declaration ->> 'event' is null then
            declaration ->> 'entity' || case operation when 'INSERT' then '.created' when 'UPDATE' then '.updated' else '.deleted' end
        end,
        v_one,
        v_changes,
        v_same,
        array(select 'o' where v_other or operation = 'UPDATE' union all select 'op' where v_expressions ~* '\mop\M')
    );
    v_turn := case when operation = 'UPDATE' then $text$
                if "$new_topics" <> "$old_topics" then
                    if op = 'DELETE' then
                        r := "$old";
                        o := "$none";
                        changes := null;
                        "$topics" := array(select unnest("$old_topics") except select unnest("$new_topics"));
                    elsif op = 'INSERT' then
                        r := "$new";
                        o := "$none";
                        changes := null;
                        "$topics" := array(select unnest("$new_topics") except select unnest("$old_topics"));
                    else
                        r := "$new";
                        o := "$old";
                        changes := "$changes";
                        "$topics" := array(select unnest("$new_topics") intersect select unnest("$old_topics"));
                    end if;
                end if;$text$ else '' end;

    return format(
        $text$
#variable_conflict use_variable
declare
    r record;
    o record;
    op text;
    changes jsonb;
    "$row" record;
    "$new" record;
    "$old" record;
    "$none" record;
    "$changes" jsonb;
    "$pass" integer;
    "$many" boolean;
    "$ops" text[];
    "$new_topics" text[];
    "$old_topics" text[];
    "$topics" text[];
    "$topic" text;
    "$event" text;
    "$data" jsonb;
    "$count" integer := 0;
    "$keep_topics" text[];
    "$keep_events" text[];
    "$keep_data" jsonb[];
    "$bulk" text[];
    "$bulk_counts" bigint[];
    "$state" text;
    "$message" text;
    "$sample" jsonb;
begin
%8$s
    for "$pass" in 1 .. 3 loop
        <<rows>>
        for "$row" in %1$s loop%2$s
            foreach op in array "$ops" loop%3$s
                continue when "$topics" = '{}';
                %4$s
                continue when "$event" is null;
                if "$pass" = 2 then
                    -- Element by element: concatenating would copy the array for every row.
                    foreach "$topic" in array "$topics" loop
                        "$count" := "$count" + 1;
                        "$keep_topics"["$count"] := "$topic";
                    end loop;
                    if "$count" > 100000 then
                        select c.topics, c.counts into "$bulk", "$bulk_counts"
                        from tidings.count_topics("$keep_topics", "$bulk", "$bulk_counts", 0) c;
                        "$keep_topics" := '{}';
                        "$count" := 0;
                    end if;
                    continue;
                end if;
                "$data" := null;
                foreach "$topic" in array "$topics" loop
                    continue when "$pass" = 3 and "$topic" = any ("$bulk");
                    if "$data" is null then
                        %5$s
                    end if;
                    "$count" := "$count" + 1;
                    "$keep_topics"["$count"] := "$topic";
                    "$keep_events"["$count"] := "$event";
                    "$keep_data"["$count"] := "$data";
                end loop;
                if "$count" > 1000 then
                    "$many" := true;
                    if "$pass" = 3 then
                        perform tidings.append("$keep_topics", "$keep_events", "$keep_data");
                    end if;
                    "$count" := 0;
                    "$keep_topics" := '{}';
                    "$keep_events" := '{}';
                    "$keep_data" := '{}';
                    exit rows when "$pass" = 1;
                end if;
            end loop;
        end loop;
        if "$pass" = 2 then
            select c.topics, c.counts into "$bulk", "$bulk_counts"
            from tidings.count_topics("$keep_topics", "$bulk", "$bulk_counts", 1000) c;
            "$keep_topics" := '{}';
            "$count" := 0;
        elsif "$count" > 0 then
            perform tidings.append("$keep_topics", "$keep_events", "$keep_data");
        end if;
        exit when "$many" is null;
    end loop;
    if "$many" and "$bulk" <> '{}' then
        perform tidings.append(
            "$bulk",
            array_fill(%7$L::text, array[cardinality("$bulk")]),
            array(select jsonb_build_object('count', u.n) from unnest("$bulk_counts") u (n))
        );
    end if;
    return null;%6$s
end;
$text$,
        v_rows, v_load, v_turn, v_event, v_data, v_handler, (declaration ->> 'entity') || '.bulk', v_short
    );
end;
$source$;
revoke all on function tidings.capture_source(regclass, text, jsonb) from public;
grant execute on function tidings.capture_source(regclass, text, jsonb) to tidings_dba;
