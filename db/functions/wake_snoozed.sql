-- Brings back what was snoozed until now: unread and unseen again, and rung as if new. At most max_rows rows; returns how many.
-- Any server calls it, twice a minute; one at a time does it. Rows that a user is at are left for the next time.
create or replace function tidings.wake_snoozed(max_rows integer default 1000)
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_woken record;
    v_count integer := 0;
begin
    -- First, as a lock is a write.
    if not exists (select from tidings.notification n where n.snoozed_until <= now()) then
        return 0;
    end if;
    perform from tidings.chore c where c.name = 'snoozed' for update skip locked;
    if not found then
        return 0;
    end if;
    for v_woken in
        with due as (
            select n.id
            from tidings.notification n
            where n.snoozed_until <= now()
            order by n.snoozed_until
            limit max_rows
            for update skip locked
        ), woken as (
            update tidings.notification n
            set snoozed_until = null, seen_at = null, read_at = null
            from due d
            where n.id = d.id
            returning n.id, n.user_id, n.group_key, n.created_at, n.archived_at
        )
        select w.user_id, count(*) as rows,
            -- The entries that ring: of the rows of a group, the newest.
            array_agg(w.id) filter (where w.archived_at is null and w.newest) as ids
        from (
            select x.*, row_number() over (partition by x.user_id, coalesce(x.group_key, x.id::text) order by x.created_at desc, x.id desc) = 1 as newest
            from woken x
        ) w
        group by w.user_id
    loop
        v_count := v_count + v_woken.rows;
        perform tidings.notification_changed(v_woken.user_id, v_woken.ids, 'notification.created');
    end loop;
    return v_count;
end;
$$;
revoke all on function tidings.wake_snoozed(integer) from public;
grant execute on function tidings.wake_snoozed(integer) to tidings_server, tidings_dba;
