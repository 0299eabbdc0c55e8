-- What `notification.created` and `notification.updated` say to the user's sockets: `{notification, counts}`, both as they are now.
-- For many at once: users[i] is told of ids[i]; notification is null where ids[i] is, or where the inbox does not show it.
create or replace function tidings.notification_frames(users text[], ids uuid[])
    returns table (n integer, data text)
    language sql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
as $$
    select
        u.n::integer,
        json_build_object('notification', j.notification, 'counts', c.counts)::text
    from unnest(users, ids) with ordinality u (user_id, id, n)
    left join (
        select x.id, x.notification
        from tidings.notifications_json(ids) x
    ) j on j.id = u.id and exists (
        select from tidings.notification k where k.id = u.id and k.user_id = u.user_id and k.in_app
    )
    join (
        select d.user_id, json_build_object('unread', b.unread, 'unseen', b.unseen) as counts
        from (select distinct v from unnest(users) v) d (user_id)
        cross join lateral tidings.notification_counts(d.user_id) b
    ) c on c.user_id = u.user_id
    order by u.n;
$$;
revoke all on function tidings.notification_frames(text[], uuid[]) from public;
grant execute on function tidings.notification_frames(text[], uuid[]) to tidings_server;
