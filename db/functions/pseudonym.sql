-- What stands in the log for a person who was forgotten: nobody who lacks the key can tell who it was. Servers, who have it,
-- find by it whose sockets to close (src/socket/audience.ts).
create or replace function tidings.pseudonym(id text)
    returns text
    language sql
    stable
    parallel safe
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select encode(sha256(s.value || convert_to(pseudonym.id, 'UTF8')), 'hex') from tidings.secret s where s.name = 'pseudonym';
$$;
revoke all on function tidings.pseudonym(text) from public;
