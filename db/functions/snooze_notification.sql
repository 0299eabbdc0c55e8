-- Hides an entry of a user's inbox, with the rows it stands for, until a moment, when it rings again; null: shows it at once.
-- False if it is not the user's.
create or replace function tidings.snooze_notification(user_id text, id uuid, until timestamptz)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if until <= clock_timestamp() or not isfinite(until) then
        raise exception 'expected until to be in the future, got %', tidings.iso(until) using errcode = '22023';
    end if;
    perform from tidings.notification n
    where n.id = snooze_notification.id and n.user_id = snooze_notification.user_id and n.in_app;
    if not found then
        return false;
    end if;
    with locked as (
        select n.id
        from tidings.notification n
        where n.id in (
                select f.id from tidings.notification h cross join lateral tidings.fold_of(h) f where h.id = snooze_notification.id
            )
            and n.snoozed_until is distinct from until
        order by n.created_at, n.id
        for update
    )
    update tidings.notification n
    set snoozed_until = until
    from locked l
    where n.id = l.id;
    if found then
        perform tidings.notification_changed(user_id, array[snooze_notification.id]);
    end if;
    return true;
end;
$$;
revoke all on function tidings.snooze_notification(text, uuid, timestamptz) from public;
grant execute on function tidings.snooze_notification(text, uuid, timestamptz) to tidings_server, tidings_dba;
