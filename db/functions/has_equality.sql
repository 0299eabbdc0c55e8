-- Whether values of a type can be compared: json, xml and point have no equality, they are compared as text.
create or replace function tidings.has_equality(type text)
    returns boolean
    language plpgsql
    stable
    set search_path = ''
as $$
begin
    execute format('select null::%1$s is distinct from null::%1$s', type);
    return true;
exception
    when undefined_function then
        return false;
end;
$$;
