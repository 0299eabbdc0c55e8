-- The body of the trigger function that runs a table's rules on one operation; rules in the order in which they are tried.
-- Null if there are none.
--
-- Rows are taken one by one into the variables r and o, as in capture_source. Of what they tell, a thousand rules that
-- matched are written at a time. An error is recorded and the write goes on; the inboxes are then reset, as nobody can say
-- whose it would have been.
create or replace function tidings.rules_source(tbl regclass, operation text, rules jsonb)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $source$
    select case when jsonb_array_length(rules) > 0 then format(
        $text$
#variable_conflict use_variable
declare
    r record;
    o record;
    op text := %2$L;
    "$row" record;
    "$topic" text;
    "$users" text[];
    "$told" text[];
    "$count" integer := 0;
    "$all" text[] := '{}';
    "$places" integer[] := '{}';
    "$types" text[] := '{}';
    "$payload" jsonb;
    "$payloads" jsonb[] := '{}';
    "$groups" text[] := '{}';
    "$topics" text[] := '{}';
    "$actor" text;
    "$actors" text[] := '{}';
    "$state" text;
    "$message" text;
begin
    for "$row" in %3$s loop
        r := "$row".r;
        o := "$row".o;
        "$told" := '{}';
%4$s
        if "$count" >= 1000 then
            perform tidings.notify("$all", "$places", "$types", "$payloads", "$groups", "$topics", "$actors");
            "$count" := 0;
            "$all" := '{}';
            "$places" := '{}';
        end if;
    end loop;
    if "$count" > 0 then
        perform tidings.notify("$all", "$places", "$types", "$payloads", "$groups", "$topics", "$actors");
    end if;
    return null;
exception
    when others or assert_failure then
        get stacked diagnostics "$state" = returned_sqlstate, "$message" = message_text;
        perform tidings.capture_failed(%1$L, 'notification_rule', %2$L, null, '{user}', "$state", "$message", null);
        return null;
end;
$text$,
        tbl::text,
        operation,
        case operation
            when 'INSERT' then format(
                'select %s as r, %s as o from "tidings$new" left join "tidings$new" "tidings$old" on false',
                tidings.row_of('tidings$new', tbl), tidings.row_of('tidings$old', tbl)
            )
            when 'DELETE' then format(
                'select %s as r, %s as o from "tidings$old" left join "tidings$old" "tidings$new" on false',
                tidings.row_of('tidings$old', tbl), tidings.row_of('tidings$new', tbl)
            )
            else format(
                'select %s as r, %s as o from "tidings$new" left join "tidings$old" on %s',
                tidings.row_of('tidings$new', tbl), tidings.row_of('tidings$old', tbl),
                (select string_agg(c.joined, ' and ') from tidings.capture_columns(tbl, null, '{}', '{}') c where c.is_key)
            )
        end,
        string_agg(
            format(
                $rule$        if (%1$s
        ) then
            "$topic" := (%2$s
            );
            "$actor" := coalesce((%9$s
            )::text, nullif(current_setting('tidings.actor', true), ''));
            "$users" := '{}';
            if %10$s then
                "$users" := tidings.audience((%3$s
                )::text[], "$told", "$topic", %4$L, case when not %5$L::boolean then "$actor" end);
            end if;%11$s
            if "$users" <> '{}' then
                "$count" := "$count" + 1;
                "$told" := "$told" || "$users";
                "$all" := "$all" || "$users";
                "$places" := "$places" || array_fill("$count", array[cardinality("$users")]);
                "$types"["$count"] := %6$L;
                "$payload" := coalesce((%7$s
                ), '{}');
                -- A thousand are kept at a time.
                if pg_column_size("$payload") > 4096 then
                    "$payload" := tidings.shorten("$payload");
                end if;
                "$payloads"["$count"] := "$payload";
                "$groups"["$count"] := (%8$s
                );
                "$topics"["$count"] := "$topic";
                "$actors"["$count"] := "$actor";
            end if;
        end if;$rule$,
                e.rule ->> 'condition', e.rule ->> 'topic', e.rule ->> 'users', e.rule -> 'watchers', e.rule -> 'includeActor',
                e.rule ->> 'type', e.rule ->> 'payload', coalesce(e.rule ->> 'groupKey', 'null'),
                coalesce(e.rule ->> 'actor', 'null'),
                -- Whether anybody may be told although there is no topic that they must be allowed to read.
                case when e.rule ->> 'topic' ~* '^\s*null\s*$' then 'true' else '"$topic" is not null' end,
                case when exists (select from jsonb_array_elements(rules) f where f ->> 'topic' <> e.rule ->> 'topic') then $told$
            -- Who may not read this rule's topic may be told by one that comes later, of another topic.
            if "$topic" is not null then
                "$users" := array(
                    select u.user_id
                    from unnest("$users", tidings.may_read("$users", array_fill("$topic", array[cardinality("$users")]))) u (user_id, allowed)
                    where u.allowed
                );
            end if;$told$ end
            ),
            e'\n' order by e.n
        )
    ) end
    from jsonb_array_elements(rules) with ordinality e (rule, n);
$source$;
revoke all on function tidings.rules_source(regclass, text, jsonb) from public;
grant execute on function tidings.rules_source(regclass, text, jsonb) to tidings_dba;
