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
    v_is_compared boolean;
begin
    if v_people is null or ids = '{}' then
        return;
    end if;
    with recursive layer as (
        select b.typname, b.typbasetype, b.typcategory
        from pg_attribute a
        join pg_type b on b.oid = a.atttypid
        where a.attrelid = v_people::regclass and a.attname = 'id'
        union all
        -- Of a domain, what it is over.
        select b.typname, b.typbasetype, b.typcategory from layer l join pg_type b on b.oid = l.typbasetype
    )
    select
        case when t.typname in ('uuid', 'int8', 'int4', 'bpchar') then t.typname else 'text' end,
        t.typcategory = 'S' or t.typname in ('uuid', 'int8', 'int4')
        into v_type, v_is_compared
    from layer t
    where t.typbasetype = 0;
    -- Compared in the view's own type, so that an index serves, where it can be told what is a value of that type.
    return query execute format(
        'select p.id::text, p.name::text, p.email::text, p.time_zone::text, p.locale::text from %s p where p.id%s = any($1::%s[])',
        v_people, case when not v_is_compared then '::text' end, v_type
    )
    using array(
        select u from unnest(ids) u
        where case v_type
            when 'uuid' then u ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            when 'int8' then case when u ~ '^-?[0-9]{1,19}$' then u::numeric between -9223372036854775808 and 9223372036854775807 end
            when 'int4' then case when u ~ '^-?[0-9]{1,10}$' then u::bigint between -2147483648 and 2147483647 end
            else u is not null
        end
    );
end;
$$;
revoke all on function tidings.people_of(text[]) from public;
grant execute on function tidings.people_of(text[]) to tidings_server, tidings_dba;
