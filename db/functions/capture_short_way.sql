-- The part of a generated trigger function that captures a statement of one row which makes one event, and returns; it does
-- nothing if that is not so. It has few statements and expressions, because PostgreSQL sets each up anew in every
-- transaction. An updated row must have kept its key, and its topics as it was must be those as it is.
--
-- event, data: expressions of an event of this operation; event null if it is always `literal`.
create or replace function tidings.capture_short_way(
    operation text,
    row_query text,
    topics text,
    event text,
    literal text,
    data text,
    changes text,
    same_key text,
    names text[]
)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
return format(
    $text$    select exists (select from %1$s offset 1) as many, %2$s into "$row";
    if not "$row".many then
        r := "$row".r;
%3$s%4$s        "$topics" := %5$s;
%6$s            %7$s"$count" := tidings.append("$topics", array[%8$s], array[%9$s]);
            return null;
        end if;
    elsif "$row".many is null then
        return null;
    end if;$text$,
    case when operation = 'DELETE' then '"tidings$old"' else '"tidings$new"' end,
    substr(row_query, length('select ') + 1),
    case when 'o' = any (names) then e'        o := "$row".o;\n' else '' end
        || case when 'op' = any (names) then format(e'        op := %L;\n', operation) else '' end,
    case when operation = 'UPDATE' then format(e'        changes := ''{}'';\n%s', changes) else '' end,
    topics,
    case when operation = 'UPDATE' then format(
            $text$        r := o;
        "$old_topics" := %1$s;
        r := "$row".r;
        if "$topics" = "$old_topics" and cardinality("$topics") = 1 and %2$s then
            if changes = '{}' then
                return null;
            end if;
$text$,
            topics,
            same_key
        )
        else e'        if cardinality("$topics") = 1 then\n'
    end,
    case when event is not null then format(
            e'"$event" := (%s\n            );\n            if "$event" is null then\n                return null;\n            end if;\n            ',
            event
        )
        else ''
    end,
    coalesce(quote_literal(literal), '"$event"'),
    data
);
revoke all on function tidings.capture_short_way(text, text, text, text, text, text, text, text, text[]) from public;
grant execute on function tidings.capture_short_way(text, text, text, text, text, text, text, text, text[]) to tidings_dba;
