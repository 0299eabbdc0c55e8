-- The checks of one kind one by one, after they failed together: whoever makes the function raise may not read.
create or replace function tidings.may_read_each(query text, users text[], ids text[])
    returns boolean[]
    language plpgsql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_answers boolean[] := '{}';
    v_answer boolean[];
begin
    for i in 1 .. cardinality(users) loop
        begin
            execute query into v_answer using array[users[i]], array[ids[i]];
            v_answers := v_answers || v_answer;
        exception
            when others or assert_failure then
                v_answers := v_answers || false;
        end;
    end loop;
    return v_answers;
end;
$$;
revoke all on function tidings.may_read_each(text, text[], text[]) from public;
grant execute on function tidings.may_read_each(text, text[], text[]) to tidings_server, tidings_dba;
