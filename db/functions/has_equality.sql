-- Whether values of a type can be compared: json, xml and point have no equality, so they are compared as text. An array
-- can if its elements can. Composite values are compared as text too: whether they can be is known only when it fails.
create or replace function tidings.has_equality(type oid)
    returns boolean
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_type pg_type;
begin
    select t.* into v_type from pg_type t where t.oid = type;
    if v_type.typtype = 'd' then
        return tidings.has_equality(v_type.typbasetype);
    elsif v_type.typcategory = 'A' and v_type.typelem <> 0 then
        return tidings.has_equality(v_type.typelem);
    elsif v_type.typtype = 'c' then
        return false;
    end if;
    execute format('select null::%1$s is distinct from null::%1$s', format_type(type, null));
    return true;
exception
    when undefined_function then
        return false;
end;
$$;
