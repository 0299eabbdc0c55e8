-- How many there are of a type, in words: `summary` is a template in which {count} stands for the number, with its plural behind a
-- bar: '{count} comment|{count} comments'. Without one, the type's name.
create or replace function tidings.summary_of(summary text, type text, count bigint)
    returns text
    language sql
    immutable
    set search_path = pg_catalog, pg_temp
as $$
    select replace(
        case
            when summary is null then '{count} × ' || type
            when count = 1 or strpos(summary, '|') = 0 then split_part(summary, '|', 1)
            else split_part(summary, '|', 2)
        end,
        '{count}', count::text
    );
$$;
revoke all on function tidings.summary_of(text, text, bigint) from public;
grant execute on function tidings.summary_of(text, text, bigint) to tidings_server;
