-- Says which writes of a table notify whom. condition, users (an array), payload, topic, group_key, actor: SQL expressions over the row
-- `r`, the other row `o` (old on update; null otherwise) and `op`, run as the table's owner and tried out here on a row of nulls.
--
-- topic: what a user must be allowed to read to be told (null: that of the table's tracking; the expression `null`: nothing,
-- whoever is named is told). Where it yields null for a row, nobody is told of that row. Of several rules that match a row, a user is told by the one of the highest precedence, then the first by
-- name. Whoever acts (`actor`, else `tidings.actor`) is not told unless include_actor. watchers: those who watch the topic are told too.
--
-- Idempotent. Only the table's owner may, who needs role tidings_dba. Errors: 22023 for a bad argument, 42501 for a stranger,
-- 42P16 for a table without primary key, and whatever a bad expression raises.
-- Locks: share row exclusive on the table, for at most 3 s of waiting.
create or replace function tidings.notification_rule(
    tbl regclass,
    name text,
    type text,
    users text,
    condition text default 'true',
    payload text default '''{}''::jsonb',
    precedence integer default 0,
    topic text default null,
    group_key text default null,
    actor text default null,
    ops text[] default '{insert,update}',
    watchers boolean default false,
    include_actor boolean default false
)
    returns void
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '3s'
as $$
declare
    v_ops text[] := array(select upper(u) from unnest(notification_rule.ops) u);
    v_topic text := coalesce(topic, (
        select t.declaration -> 'topic' ->> 0
        from tidings.tracked t
        where t.table_name = tbl and jsonb_array_length(t.declaration -> 'topic') = 1 and t.declaration -> 'topic' ->> 0 !~ '^\s*''user:'
        order by t.name
        limit 1
    ));
    v_rule jsonb;
begin
    v_rule := jsonb_build_object(
        'name', notification_rule.name, 'type', notification_rule.type, 'users', users, 'condition', condition, 'payload', payload,
        'precedence', precedence, 'topic', v_topic, 'groupKey', group_key, 'actor', actor, 'ops', v_ops, 'watchers', watchers, 'includeActor', include_actor
    );
    perform tidings.check_rule(tbl, v_rule);
    -- Two at once would each end what the other declares.
    execute format('lock table %s in share row exclusive mode', tbl);
    perform tidings.attach_rules(tbl, array(
        select w.rule
        from (
            select d.rule from tidings.notification_rules d where d.table_name = tbl and d.name <> notification_rule.name
            union all
            select v_rule
        ) w
    ));
end;
$$;
revoke all on function tidings.notification_rule(regclass, text, text, text, text, text, integer, text, text, text, text[], boolean, boolean) from public;
grant execute on function tidings.notification_rule(regclass, text, text, text, text, text, integer, text, text, text, text[], boolean, boolean) to tidings_dba;
