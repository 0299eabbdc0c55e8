-- Wakes the sequencer if it sleeps. Called after the event row is written, never before.
create or replace function tidings.ring()
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tidings.must_ring() then
        perform pg_notify('tidings_wake', '');
    end if;
end;
$$;
revoke all on function tidings.ring() from public;
