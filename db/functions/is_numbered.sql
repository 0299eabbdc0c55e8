-- Whether an event has its place in the stream.
create or replace function tidings.is_numbered(id bigint, at timestamptz)
    returns boolean
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from tidings.stream s where s.event_id = is_numbered.id and s.event_at = is_numbered.at
    );
end;
$$;
revoke all on function tidings.is_numbered(bigint, timestamptz) from public;
