-- What the bell shows: how many of the entries of a user's inbox are unread, and how many were never looked at. Rows of one
-- group count once. Archived and snoozed ones do not count.
--
-- One scan, in the order of its index: what is unseen is unread, too.
create or replace function tidings.notification_counts(user_id text)
    returns table (unread bigint, unseen bigint)
    language sql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
    set jit = off
as $$
    select coalesce(sum(g.unread), 0)::bigint, coalesce(sum(g.unseen), 0)::bigint
    from (
        select
            case when n.group_key is null then count(*) else 1 end as unread,
            case when n.group_key is null then count(*) filter (where n.seen_at is null) else bool_or(n.seen_at is null)::integer end as unseen
        from tidings.notification n
        where n.user_id = notification_counts.user_id and n.in_app and n.archived_at is null and n.read_at is null
            and (n.snoozed_until is null or n.snoozed_until <= now())
        group by n.group_key
    ) g;
$$;
revoke all on function tidings.notification_counts(text) from public;
grant execute on function tidings.notification_counts(text) to tidings_server, tidings_dba;
