-- Raises unless a text is one SQL expression, whole in itself; null is none and passes. Nothing of it is run: the block is read as
-- a whole first, and then has nothing to do.
--
-- In the code that is made of a declaration an expression stands between parentheses. What closes those, as
-- `1); drop table app.tasks; select (2` does, does not close the bracket here.
create or replace function tidings.check_expression(expression text)
    returns void
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
    -- As the functions that are made of it read it.
    set standard_conforming_strings = on
as $$
begin
    if expression is not null then
        execute format('do %L', format(e'begin\n    if false then\n        perform array[(%s\n        )];\n    end if;\nend;', expression));
    end if;
end;
$$;
revoke all on function tidings.check_expression(text) from public;
grant execute on function tidings.check_expression(text) to tidings_dba;
