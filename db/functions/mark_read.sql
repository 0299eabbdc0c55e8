-- Marks entries of a user's inbox read, with the rows they stand for, or unread again. What joined a group after the row
-- named stays as it is. Returns the ids that are the user's own and that the inbox shows, changed or not.
--
-- Locks: the rows, the oldest first, as all do that lock several.
create or replace function tidings.mark_read(user_id text, ids uuid[], read boolean default true)
    returns uuid[]
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_own uuid[];
    v_changed uuid[];
    -- One for all: rows of a group know each other by it once they are read.
    v_at timestamptz := clock_timestamp();
begin
    select array_agg(n.id order by n.id) into v_own
    from tidings.notification n
    where n.id = any (ids) and n.user_id = mark_read.user_id and n.in_app;
    with chosen as (
        select r.id, r.head
        from (
            select distinct on (f.id) f.id, n.id as head
            from tidings.notification n
            cross join lateral tidings.fold_of(n) f
            where n.id = any (v_own)
            order by f.id
        ) r
    ), locked as (
        select n.id, c.head
        from tidings.notification n
        join chosen c on c.id = n.id
        where (n.read_at is null) = read
        order by n.created_at, n.id
        for update of n
    ), changed as (
        update tidings.notification n
        set read_at = case when read then v_at end, seen_at = case when read then coalesce(n.seen_at, v_at) else n.seen_at end
        from locked l
        where n.id = l.id
        returning l.head
    )
    select array_agg(distinct c.head) into v_changed from changed c;
    perform tidings.notification_changed(user_id, v_changed);
    return coalesce(v_own, '{}');
end;
$$;
revoke all on function tidings.mark_read(text, uuid[], boolean) from public;
grant execute on function tidings.mark_read(text, uuid[], boolean) to tidings_server, tidings_dba;
