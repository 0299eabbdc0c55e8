-- What topics are called, in order, by the `title` function of their kind; null where there is none, or where it raises. At most 2000
-- characters, as a page of mails holds it many times over.
-- Runs as the caller.
create or replace function tidings.titles_of(topics text[])
    returns text[]
    language plpgsql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_titles text[] := array_fill(null::text, array[cardinality(topics)]);
    v_kind tidings.topic_kinds;
    v_title text;
begin
    for i in 1 .. cardinality(topics) loop
        select k.* into v_kind from tidings.topic_kinds k where k.kind = split_part(topics[i], ':', 1) and k.title is not null;
        continue when not found;
        begin
            execute format('select %s($1::%s)', v_kind.title, v_kind.id_type)
                into v_title
                using substr(topics[i], strpos(topics[i], ':') + 1);
            v_titles[i] := left(v_title, 2000);
        exception
            when others or assert_failure then
                null;
        end;
    end loop;
    return v_titles;
end;
$$;
revoke all on function tidings.titles_of(text[]) from public;
grant execute on function tidings.titles_of(text[]) to tidings_server;
