-- Records that a tracked statement could not be captured; the business transaction goes on. Called by generated triggers
-- in their exception handler, so it must not fail itself: when not even the record can be written, it draws from a
-- sequence, which the sequencer reads as "something was lost somewhere".
--
-- Locks: row exclusive on capture_error; generated triggers wait for it 250 ms at most.
create or replace function tidings.capture_failed(
    table_name text,
    tracking text,
    operation text,
    topics text[],
    kinds text[],
    sqlstate text,
    message text,
    sample jsonb
)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    begin
        insert into tidings.capture_error (table_name, tracking, operation, topics, kinds, sqlstate, message, sample)
        values (
            capture_failed.table_name,
            capture_failed.tracking,
            capture_failed.operation,
            capture_failed.topics,
            capture_failed.kinds,
            capture_failed.sqlstate,
            left(capture_failed.message, 2000),
            case when pg_column_size(capture_failed.sample) > 4096 then tidings.shorten(capture_failed.sample)
                else capture_failed.sample end
        );
    exception
        when others or assert_failure then
            perform nextval('tidings.capture_lost');
            raise warning 'tidings: % on % was not captured, nor could that be recorded: %', operation, table_name, sqlerrm;
    end;
    perform tidings.ring();
end;
$$;
revoke all on function tidings.capture_failed(text, text, text, text[], text[], text, text, jsonb) from public;
grant execute on function tidings.capture_failed(text, text, text, text[], text[], text, text, jsonb) to tidings_dba;
