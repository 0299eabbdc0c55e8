-- Whether a text is the name of a time zone that PostgreSQL knows, as IANA spells it; null for null.
create or replace function tidings.is_time_zone(name text)
    returns boolean
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
begin
    -- An abbreviation or an offset is no place: it has no summer time. PostgreSQL reads what ends in a number as an offset of a
    -- zone by any name (Mars/Base+5), which nothing else does.
    if name !~ '^(UTC|Etc/GMT(0|[+-][0-9]|[+]1[0-2]|-1[0-4])|[A-Z][A-Za-z_]+(/[A-Za-z_-]+)+)$' then
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
