-- Archives an entry of a user's inbox, with the rows it stands for, or takes it back. False if it is not the user's.
create or replace function tidings.archive_notification(user_id text, id uuid, archived boolean default true)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    perform from tidings.notification n
    where n.id = archive_notification.id and n.user_id = archive_notification.user_id and n.in_app;
    if not found then
        return false;
    end if;
    with locked as (
        select n.id
        from tidings.notification n
        where n.id in (
                select f.id from tidings.notification h cross join lateral tidings.fold_of(h) f where h.id = archive_notification.id
            )
            and (n.archived_at is null) = archived
        order by n.created_at, n.id
        for update
    )
    update tidings.notification n
    set archived_at = case when archived then clock_timestamp() end
    from locked l
    where n.id = l.id;
    if found then
        perform tidings.notification_changed(user_id, array[archive_notification.id]);
    end if;
    return true;
end;
$$;
revoke all on function tidings.archive_notification(text, uuid, boolean) from public;
grant execute on function tidings.archive_notification(text, uuid, boolean) to tidings_server, tidings_dba;
