-- Marks a user's whole inbox read, up to the place of `before` in the stream if one is given. Returns how many; null if
-- `before` is not the user's. In one transaction; for very long inboxes call tidings.mark_until in several.
create or replace function tidings.mark_all_read(user_id text, before uuid default null)
    returns integer
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select tidings.mark_until(user_id, 'read', before, 2147483647);
$$;
revoke all on function tidings.mark_all_read(text, uuid) from public;
grant execute on function tidings.mark_all_read(text, uuid) to tidings_server, tidings_dba;
