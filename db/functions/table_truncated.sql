-- Tells subscribers that a tracked table was truncated: nobody knows which topics it touched, so every topic of the kinds
-- it writes to (null: of any kind) is reset. Called by the generated truncate trigger.
create or replace function tidings.table_truncated(kinds text[])
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind text;
begin
    foreach v_kind in array coalesce(table_truncated.kinds, array[null::text]) loop
        perform tidings.append_reserved(
            'tidings:control',
            'tidings.floor',
            jsonb_build_object('kind', v_kind, 'reason', 'capture_error')
        );
    end loop;
end;
$$;
revoke all on function tidings.table_truncated(text[]) from public;
grant execute on function tidings.table_truncated(text[]) to tidings_dba;
