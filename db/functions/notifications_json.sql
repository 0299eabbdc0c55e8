-- Notifications as REST and sockets show them, in their reader's locale: each with the rows it stands for.
-- `{id, type, payload, actorId, actors: [{id, name}], count, groupKey, topic, title, body, url, createdAt, seenAt, readAt,
-- archivedAt, snoozedUntil}`; actors are the last three, the latest first.
create or replace function tidings.notifications_json(ids uuid[])
    returns table (id uuid, notification jsonb)
    language plpgsql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
as $$
declare
    v_people jsonb;
begin
    select coalesce(jsonb_object_agg(p.id, jsonb_build_object('name', p.name, 'locale', p.locale)), '{}') into v_people
    from tidings.people_of(array(
        select n.user_id from tidings.notification n where n.id = any (ids)
        union
        select f.actor_id from tidings.notification n cross join lateral tidings.fold_of(n) f where n.id = any (ids) and f.actor_id is not null
    )) p;
    return query
    select
        n.id,
        jsonb_build_object(
            'id', n.id,
            'type', n.type,
            'payload', n.payload,
            'actorId', n.actor_id,
            'actors', f.actors,
            'count', f.count,
            'groupKey', n.group_key,
            'topic', n.topic,
            'title', coalesce(tidings.fill_template(t.template ->> 'title', n.payload, t.actor), n.type),
            'body', tidings.fill_template(t.template ->> 'body', n.payload, t.actor),
            'url', tidings.fill_template(t.template ->> 'url', n.payload, t.actor),
            'createdAt', tidings.iso(n.created_at),
            'seenAt', tidings.iso(n.seen_at),
            'readAt', tidings.iso(n.read_at),
            'archivedAt', tidings.iso(n.archived_at),
            'snoozedUntil', tidings.iso(n.snoozed_until)
        )
    from tidings.notification n
    cross join lateral (
        select
            sum(a.count)::integer as count,
            coalesce(
                (array_agg(jsonb_build_object('id', a.actor_id, 'name', v_people -> a.actor_id ->> 'name') order by a.last desc)
                    filter (where a.actor_id is not null))[:3],
                '{}'
            ) as actors
        from (
            select r.actor_id, count(*) as count, max(r.created_at) as last from tidings.fold_of(n) r group by r.actor_id
        ) a
    ) f
    cross join lateral (
        select
            tidings.template_of(
                (select k.templates from tidings.notification_types k where k.type = n.type), v_people -> n.user_id ->> 'locale'
            ) as template,
            coalesce(v_people -> n.actor_id ->> 'name', tidings.someone(v_people -> n.user_id ->> 'locale')) as actor
        -- Once for a row, not once for each of its texts.
        offset 0
    ) t
    where n.id = any (ids);
end;
$$;
revoke all on function tidings.notifications_json(uuid[]) from public;
grant execute on function tidings.notifications_json(uuid[]) to tidings_server, tidings_dba;
