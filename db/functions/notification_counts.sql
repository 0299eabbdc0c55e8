-- What the bell shows: how many of the entries of a user's inbox are unread, and how many were never looked at. Rows of one
-- group count once. Archived and snoozed ones do not count.
create or replace function tidings.notification_counts(user_id text)
    returns table (unread bigint, unseen bigint)
    language sql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
    set jit = off
as $$
    select
        (
            select count(*) filter (where n.group_key is null) + count(distinct n.group_key)
            from tidings.notification n
            where n.user_id = notification_counts.user_id and n.in_app and n.archived_at is null and n.read_at is null
                and (n.snoozed_until is null or n.snoozed_until <= now())
        ),
        (
            select count(*) filter (where n.group_key is null) + count(distinct n.group_key)
            from tidings.notification n
            where n.user_id = notification_counts.user_id and n.in_app and n.archived_at is null and n.seen_at is null
                and (n.snoozed_until is null or n.snoozed_until <= now())
        );
$$;
revoke all on function tidings.notification_counts(text) from public;
grant execute on function tidings.notification_counts(text) to tidings_server, tidings_dba;
