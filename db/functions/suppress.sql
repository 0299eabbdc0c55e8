-- Sees to it that an address is not written to any more; a null reason: that it may be again. Returns whether anything changed.
create or replace function tidings.suppress(address text, reason text)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if suppress.address is null or suppress.address !~ '^[^\s@]+@[^\s@]+$' or length(suppress.address) > 320 then
        raise exception 'expected an e-mail address, got %', coalesce(quote_literal(left(suppress.address, 80)), 'null') using errcode = '22023';
    end if;
    if suppress.reason is null then
        delete from tidings.suppression s where s.address = lower(suppress.address);
    else
        insert into tidings.suppression (address, reason) values (lower(suppress.address), left(suppress.reason, 500))
        on conflict (address) do nothing;
    end if;
    return found;
end;
$$;
revoke all on function tidings.suppress(text, text) from public;
grant execute on function tidings.suppress(text, text) to tidings_server, tidings_dba;
