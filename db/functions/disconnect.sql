-- Closes every socket of a user, on every server. They may connect again with a token that still holds.
--
-- Errors: 22023 for a malformed user.
create or replace function tidings.disconnect(user_id text)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tidings.is_id(user_id) is not true then
        raise exception 'expected user_id to be 1 to 128 of A-Z a-z 0-9 _ . @ | : + -, got %', coalesce(quote_literal(user_id), 'null')
            using errcode = '22023';
    end if;
    perform tidings.append_reserved('tidings:control', 'tidings.disconnect', jsonb_build_object('user', user_id));
end;
$$;
revoke all on function tidings.disconnect(text) from public;
grant execute on function tidings.disconnect(text) to tidings_dba, tidings_server;
