-- Declares a kind of topic: `can_read(user, id)` says who may subscribe. Called again it replaces. The id's type is the
-- function's second argument: uuid, bigint, integer or text; an id that is none is forbidden without a call.
-- `title(id)`, if given, says what a topic is called in mails.
--
-- Errors: 22023 for a malformed or reserved kind, 42883 for a function of another shape, 42501 if the server's role may
-- not execute it.
create or replace function tidings.topic_kind(kind text, can_read regprocedure, title regprocedure default null)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_function pg_proc;
    v_id_type text;
    v_title pg_proc;
begin
    if kind is null or kind !~ '^[a-z][a-z0-9_]{0,31}$' or kind in ('tidings', 'user') then
        raise exception 'expected kind to match [a-z][a-z0-9_]{0,31} and to be neither tidings nor user, got %', coalesce(quote_literal(kind), 'null')
            using errcode = '22023';
    end if;
    select p.* into v_function from pg_proc p where p.oid = topic_kind.can_read;
    v_id_type := case when v_function.pronargs = 2 then format_type(v_function.proargtypes[1], null) end;
    if v_function.pronargs is distinct from 2
        or v_function.proargtypes[0] <> 'text'::regtype
        or v_id_type not in ('uuid', 'bigint', 'integer', 'text')
        or v_function.prorettype <> 'boolean'::regtype
        or v_function.proretset
    then
        raise exception 'expected can_read to be a function (text, uuid | bigint | integer | text) returning boolean, got %', can_read
            using errcode = '42883';
    end if;
    if not has_function_privilege('tidings_server', can_read::oid, 'execute')
        or not has_schema_privilege('tidings_server', v_function.pronamespace, 'usage')
    then
        raise exception 'expected role tidings_server to be allowed to execute %', can_read
            using errcode = '42501',
                  hint = format('grant usage on schema %s to tidings_server; grant execute on function %s to tidings_server;', v_function.pronamespace::regnamespace, can_read);
    end if;
    if title is not null then
        select p.* into v_title from pg_proc p where p.oid = topic_kind.title;
        if v_title.pronargs <> 1 or format_type(v_title.proargtypes[0], null) <> v_id_type or v_title.prorettype <> 'text'::regtype or v_title.proretset then
            raise exception 'expected title to be a function (%) returning text, got %', v_id_type, title using errcode = '42883';
        end if;
        if not has_function_privilege('tidings_server', title::oid, 'execute') then
            raise exception 'expected role tidings_server to be allowed to execute %', title
                using errcode = '42501', hint = format('grant execute on function %s to tidings_server;', title);
        end if;
    end if;
    insert into tidings.topic_kinds (kind, can_read, id_type, title)
    values (
        topic_kind.kind,
        format('%s.%I', v_function.pronamespace::regnamespace, v_function.proname),
        v_id_type,
        (select format('%s.%I', v_title.pronamespace::regnamespace, v_title.proname) where title is not null)
    )
    on conflict on constraint topic_kinds_pkey do update
        set can_read = excluded.can_read, id_type = excluded.id_type, title = excluded.title;
end;
$$;
revoke all on function tidings.topic_kind(text, regprocedure, regprocedure) from public;
grant execute on function tidings.topic_kind(text, regprocedure, regprocedure) to tidings_dba;
