-- Whether a text is the name of a time zone that PostgreSQL knows, as IANA spells it; null for null.
create or replace function tidings.is_time_zone(name text)
    returns boolean
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
begin
    -- An abbreviation or an offset is no place: it has no summer time.
    if name !~ '^(UTC|[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$' then
        return false;
    end if;
    perform now() at time zone name;
    return case when name is not null then true end;
exception
    when invalid_parameter_value then
        return false;
end;
$$;
revoke all on function tidings.is_time_zone(text) from public;
grant execute on function tidings.is_time_zone(text) to tidings_server, tidings_dba;
