-- The exception block of a generated trigger function: what failed, and which topics it touched, is recorded, and the
-- write goes on. Rows are looked at as capture itself does, with op and the other row in place, an updated one both as it
-- is and as it was; if that raises too, or topics are many, they stay unknown (null) and the kinds are reset.
create or replace function tidings.capture_handler(
    tbl regclass,
    operation text,
    declaration jsonb,
    row_query text,
    topics text,
    key text,
    changes text
)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
return format(
    $text$
exception
    when others or assert_failure then
        get stacked diagnostics "$state" = returned_sqlstate, "$message" = message_text;
        begin
            "$keep_topics" := '{}';
            for "$row" in %1$s loop
                r := "$row".r;
%3$s
                "$topics" := %2$s;
%4$s
                if not "$topics" <@ "$keep_topics" then
                    "$keep_topics" := "$keep_topics" || "$topics";
                    if cardinality("$keep_topics") > 100 then
                        raise exception 'too many topics to name';
                    end if;
                end if;
            end loop;
            select coalesce(array_agg(distinct t), '{}') into "$keep_topics"
            from unnest("$keep_topics") t
            where tidings.is_topic(t) and t not like 'tidings:%%';
        exception
            when others or assert_failure then
                "$keep_topics" := null;
        end;
        begin
            for "$row" in %1$s loop
                "$sample" := to_jsonb(%5$s) - %6$L::text[];
                exit;
            end loop;
        exception
            when others or assert_failure then null;
        end;
        perform tidings.capture_failed(%7$L, %8$L, %9$L, "$keep_topics", %10$L, "$state", "$message", "$sample");
        return null;$text$,
    row_query,
    topics,
    case when operation <> 'UPDATE' then format(
            '                %sop := %L;',
            case when strpos(row_query, ' as o from ') > 0 then 'o := "$row".o; ' else '' end,
            operation
        )
        else format(
            $text$                o := "$row".o;
                if r.%1$s is null then
                    "$none" := r;
                    r := o;
                    o := "$none";
                    op := 'DELETE';
                elsif o.%1$s is null then
                    op := 'INSERT';
                else
                    op := 'UPDATE';
                    %2$s
                end if;$text$,
            key,
            case when topics ~ '\mchanges\M' then e'changes := ''{}'';\n' || changes else '' end
        )
    end,
    case when operation <> 'UPDATE' then ''
        else format(
            $text$                if op = 'UPDATE' then
                    r := o;
                    "$topics" := "$topics" || %s;
                end if;$text$,
            topics
        )
    end,
    case when operation = 'UPDATE' then format('case when "$row".r.%1$s is null then "$row".o else "$row".r end', key) else '"$row".r' end,
    array(select jsonb_array_elements_text(declaration -> 'redact')),
    tbl::text, declaration ->> 'name', operation,
    (select array_agg(k) from jsonb_array_elements_text(nullif(declaration -> 'kinds', 'null')) k)
);
revoke all on function tidings.capture_handler(regclass, text, jsonb, text, text, text, text) from public;
grant execute on function tidings.capture_handler(regclass, text, jsonb, text, text, text, text) to tidings_dba;
