-- Names the view from which the engine knows people: id, email, name, time_zone, locale. Called again it replaces.
--
-- Errors: 42703 if a column is missing, 42501 if the server's role may not read it.
create or replace function tidings.people(relation regclass)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_missing text;
    v_name text;
begin
    select string_agg(c.name, ', ' order by c.n) into v_missing
    from unnest(array['id', 'email', 'name', 'time_zone', 'locale']) with ordinality c (name, n)
    where not exists (
        select from pg_attribute a where a.attrelid = relation and a.attname = c.name and a.attnum > 0 and not a.attisdropped
    );
    if v_missing is not null then
        raise exception 'expected % to have the columns id, email, name, time_zone and locale, missing: %', relation, v_missing
            using errcode = '42703';
    end if;
    -- Else nobody could list their inbox.
    if not has_table_privilege('tidings_server', relation, 'select')
        or not has_schema_privilege('tidings_server', (select c.relnamespace from pg_class c where c.oid = relation), 'usage')
    then
        raise exception 'expected role tidings_server to be allowed to select from %', relation
            using errcode = '42501',
                  hint = format('grant usage on schema %s to tidings_server; grant select on %s to tidings_server;',
                      (select c.relnamespace::regnamespace from pg_class c where c.oid = relation), relation);
    end if;
    select format('%I.%I', n.nspname, c.relname) into v_name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = relation;
    insert into tidings.setting (name, value) values ('people', to_jsonb(v_name))
    on conflict (name) do update set value = excluded.value;
end;
$$;
revoke all on function tidings.people(regclass) from public;
grant execute on function tidings.people(regclass) to tidings_dba;
