-- Notifications as REST and sockets show them, in their reader's locale: each with the rows it stands for.
-- `{id, type, payload, actorId, actors: [{id, name}], count, groupKey, topic, title, body, url, createdAt, seenAt, readAt,
-- archivedAt, snoozedUntil}`; actors are the last three, the latest first. Of what its reader may not read any more only the entry
-- is left: payload, actors and texts are withheld, the title is the type. Asks `can_read` once a topic, as the caller.
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
    v_withheld uuid[];
begin
    select coalesce(jsonb_object_agg(p.id, jsonb_build_object('name', p.name, 'locale', p.locale)), '{}') into v_people
    from tidings.people_of(array(
        select n.user_id from tidings.notification n where n.id = any (ids)
        union
        select f.actor_id from tidings.notification n cross join lateral tidings.fold_of(n) f where n.id = any (ids) and f.actor_id is not null
    )) p;
    select coalesce(array_agg(n.id), '{}') into v_withheld
    from (
        select coalesce(array_agg(t.user_id), '{}') as users, coalesce(array_agg(t.topic), '{}') as topics
        from (select distinct n.user_id, n.topic from tidings.notification n where n.id = any (ids) and n.topic is not null) t
    ) a
    cross join lateral unnest(a.users, a.topics, tidings.may_read(a.users, a.topics)) r (user_id, topic, may)
    join tidings.notification n on n.id = any (ids) and n.user_id = r.user_id and n.topic = r.topic
    where not r.may;
    return query
    select
        n.id,
        jsonb_build_object(
            'id', n.id,
            'type', n.type,
            'payload', case when w.withheld then '{}' else n.payload end,
            'actorId', case when not w.withheld then n.actor_id end,
            'actors', case when w.withheld then '[]' else to_jsonb(f.actors) end,
            'count', f.count,
            'groupKey', n.group_key,
            'topic', n.topic,
            'title', coalesce(case when not w.withheld then tidings.fill_template(t.template ->> 'title', n.payload, t.actor) end, n.type),
            'body', case when not w.withheld then tidings.fill_template(t.template ->> 'body', n.payload, t.actor) end,
            'url', case when not w.withheld then tidings.fill_template(t.template ->> 'url', n.payload, t.actor, is_url => true) end,
            'createdAt', tidings.iso(n.created_at),
            'seenAt', tidings.iso(n.seen_at),
            'readAt', tidings.iso(n.read_at),
            'archivedAt', tidings.iso(n.archived_at),
            'snoozedUntil', tidings.iso(n.snoozed_until)
        )
    from tidings.notification n
    cross join lateral (select n.id = any (v_withheld) as withheld) w
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
