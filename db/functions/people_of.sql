-- Those of the given ids whom the view named by `tidings.people` knows. Empty if none was named, and an id that is not of the
-- view's type is nobody's. Runs as the caller, who needs a right on the view.
create or replace function tidings.people_of(ids text[])
    returns table (id text, name text, email text, time_zone text, locale text)
    language plpgsql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_people text := (select s.value #>> '{}' from tidings.setting s where s.name = 'people');
    v_type text;
begin
    if v_people is null or ids = '{}' then
        return;
    end if;
    select format_type(a.atttypid, null) into v_type from pg_attribute a where a.attrelid = v_people::regclass and a.attname = 'id';
    -- Compared in the view's own type, so that an index serves.
    return query execute format(
        'select p.id::text, p.name::text, p.email::text, p.time_zone::text, p.locale::text from %s p where p.id = any($1::%s[])',
        v_people, v_type
    )
    using array(
        select u from unnest(ids) u
        where case v_type
            when 'uuid' then u ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            when 'bigint' then u ~ '^-?[0-9]{1,18}$'
            when 'integer' then u ~ '^-?[0-9]{1,9}$'
            else u is not null
        end
    );
end;
$$;
revoke all on function tidings.people_of(text[]) from public;
grant execute on function tidings.people_of(text[]) to tidings_server, tidings_dba;
