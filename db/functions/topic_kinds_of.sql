-- The kinds of topics that expressions can yield, null if that cannot be told for certain: then a loss in topics unknown
-- is taken to concern every kind. Certain is 'kind:' || …, an array of such, and a case whose every outcome is one or null.
create or replace function tidings.topic_kinds_of(expressions text[])
    returns text[]
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
return (
    select case when bool_and(x.kinds <> '{}') then array(select distinct k from unnest(string_to_array(string_agg(array_to_string(x.kinds, ','), ','), ',')) k) end
    from (
        select case
            when e.text ~* '^\s*case\M.*\mend\s*$'
                then case when e.text !~* '\m(then|else)\M(?!\s*(null\M|''[a-z][a-z0-9_]{0,31}:[^'']*''\s*(\|\||when\M|else\M|end\M)))'
                    then array(select m[1] from regexp_matches(e.text, '\m(?:then|else)\s*''([a-z][a-z0-9_]{0,31}):', 'gi') m) else '{}' end
            when p.pieces is not null
                then array(select substring(p.piece from '^\s*''([a-z][a-z0-9_]{0,31}):') from unnest(p.pieces) p (piece))
            else '{}'
        end as kinds
        from unnest(expressions) e (text)
        cross join lateral (
            select case when bool_and(q.piece ~ '^\s*''[a-z][a-z0-9_]{0,31}:[^'']*''\s*(\|\||$)') then array_agg(q.piece) end as pieces
            from regexp_split_to_table(
                coalesce(substring(e.text from '(?i)^\s*array\s*\[(.*)\]\s*$'), e.text),
                case when e.text ~* '^\s*array\s*\[.*\]\s*$' then ',' else '$x' end
            ) q (piece)
        ) p
    ) x
);
