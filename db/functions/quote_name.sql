-- A name always in quotes: plpgsql reserves words that SQL does not (by, begin, if, loop), so format's %I is not enough
-- for what is read by plpgsql.
create or replace function tidings.quote_name(name text)
    returns text
    language sql
    immutable
    parallel safe
    set search_path = pg_catalog, pg_temp
return '"' || replace(name, '"', '""') || '"';
