-- What `notification.created` and `notification.updated` say to the user's sockets: `{notification, counts}`, both as they are now.
-- For many at once: users[i] is told of ids[i]; notification is null where ids[i] is, or where the inbox does not show it.
-- Of rows that the inbox shows as one, each is told as the newest of those asked for: that is the entry they are now, and it
-- is folded once, not once for each of its rows.
create or replace function tidings.notification_frames(users text[], ids uuid[])
    returns table (n integer, data text)
    language sql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
as $$
    with asked as materialized (
        select
            u.n,
            u.user_id,
            first_value(k.id) over (
                partition by u.user_id, coalesce(k.group_key, k.id::text), k.group_key is null,
                    k.read_at, k.archived_at is null, coalesce(k.snoozed_until > now(), false)
                order by k.created_at desc, k.id desc
            ) as head
        from unnest(users, ids) with ordinality u (user_id, id, n)
        left join tidings.notification k on k.id = u.id and k.user_id = u.user_id and k.in_app
    )
    select
        a.n::integer,
        json_build_object('notification', j.notification, 'counts', c.counts)::text
    from asked a
    left join tidings.notifications_json(array(select distinct h.head from asked h where h.head is not null)) j on j.id = a.head
    join (
        select d.user_id, json_build_object('unread', b.unread, 'unseen', b.unseen) as counts
        from (select distinct v from unnest(users) v) d (user_id)
        cross join lateral tidings.notification_counts(d.user_id) b
    ) c on c.user_id = a.user_id
    order by a.n;
$$;
revoke all on function tidings.notification_frames(text[], uuid[]) from public;
grant execute on function tidings.notification_frames(text[], uuid[]) to tidings_server;
