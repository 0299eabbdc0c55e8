-- Makes events of the writes of a table: statement-level triggers whose function is generated for its columns.
--
-- topic, event, data: SQL expressions over the row `r`, the other row `o` (old on update; null on insert and delete), `op`
-- (INSERT, UPDATE, DELETE) and, on update, `changes`. A null topic or event means no event. They run as the table's owner
-- and are tried out here on a row of nulls. columns: those whose change counts (null: all); ignore: those whose change does
-- not; redact: those whose value is never shown. strict: a capture error fails the write.
--
-- Idempotent. Only the table's owner may, who needs role tidings_dba. Errors: 22023 for a bad argument, 42501 for a
-- stranger, 42P16 for a table without primary key, and whatever a bad expression raises.
-- Locks: share row exclusive on the table, for at most 3 s of waiting.
create or replace function tidings.track(
    tbl regclass,
    entity text default null,
    topic text[] default null,
    name text default null,
    event text default null,
    data text default null,
    columns text[] default null,
    ignore text[] default '{}',
    redact text[] default '{}',
    ops text[] default '{insert,update,delete}',
    strict boolean default false
)
    returns void
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '3s'
as $$
declare
    v_owner name;
    v_entity text;
    v_name text;
    v_ops text[] := array(select upper(u) from unnest(track.ops) u);
    v_declaration jsonb;
begin
    select c.relowner::regrole into v_owner from pg_class c where c.oid = tbl;
    v_entity := coalesce(track.entity, track.name, (select c.relname from pg_class c where c.oid = tbl));
    v_name := coalesce(track.name, v_entity);
    perform tidings.check_tracking(tbl, v_entity, v_name, track.topic, track.event, track.data, track.columns, track.ignore, track.redact, v_ops);
    v_declaration := jsonb_build_object(
        'name', v_name, 'entity', v_entity, 'topic', track.topic, 'event', track.event, 'data', track.data,
        'columns', track.columns, 'ignore', track.ignore, 'redact', track.redact, 'ops', v_ops, 'strict', track.strict,
        'kinds', tidings.topic_kinds_of(track.topic)
    );
    perform tidings.attach_triggers(tbl, v_declaration);
end;
$$;
revoke all on function tidings.track(regclass, text, text[], text, text, text, text[], text[], text[], text[], boolean) from public;
grant execute on function tidings.track(regclass, text, text[], text, text, text, text[], text[], text[], text[], boolean) to tidings_dba;

-- The same with one topic expression, which may itself yield text or text[].
create or replace function tidings.track(
    tbl regclass,
    entity text default null,
    topic text default null,
    name text default null,
    event text default null,
    data text default null,
    columns text[] default null,
    ignore text[] default '{}',
    redact text[] default '{}',
    ops text[] default '{insert,update,delete}',
    strict boolean default false
)
    returns void
    language sql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
begin atomic
    select tidings.track(
        tbl, entity, case when topic is not null then array[topic] end, name, event, data, columns, ignore, redact, ops, strict
    );
end;
revoke all on function tidings.track(regclass, text, text, text, text, text, text[], text[], text[], text[], boolean) from public;
grant execute on function tidings.track(regclass, text, text, text, text, text, text[], text[], text[], text[], boolean) to tidings_dba;
