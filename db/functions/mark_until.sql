-- Marks a user's inbox read (what 'read') or seen (what 'seen') up to the place of `before` in the stream, or all that is
-- there now: what is numbered after that place, or not numbered yet, stays. At most max_rows rows, so that no lock is held
-- long: call again with the same `at` and `as_of` until fewer come back. Returns how many; null if `before` is not the user's.
--
-- as_of: without `before`, what was not committed in this snapshot stays; null is now. Of several calls, that of the first.
--
-- Locks: the rows, the oldest first.
-- As it was before it knew `as_of`.
drop function if exists tidings.mark_until(text, text, uuid, integer, timestamptz);
create or replace function tidings.mark_until(
    user_id text,
    what text,
    before uuid default null,
    max_rows integer default 250,
    at timestamptz default clock_timestamp(),
    as_of pg_snapshot default null
)
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_before tidings.notification;
    v_numbered pg_snapshot;
    v_seq bigint;
    -- Before is not numbered: what will be numbered with it goes by id.
    v_upto bigint;
    v_later bigint[] := '{}';
    v_count integer;
    v_found bigint;
begin
    if what not in ('read', 'seen') then
        raise exception 'expected what to be read or seen, got %', quote_literal(what) using errcode = '22023';
    end if;
    if before is not null then
        select n.* into v_before from tidings.notification n where n.id = before and n.user_id = mark_until.user_id and n.in_app;
        if v_before.id is null then
            return null;
        end if;
        select r.prev into v_numbered from tidings.run r order by r.run desc limit 1;
        -- Its own seq; if it is not numbered yet, all that is goes before it.
        select coalesce(
                (
                    select s.seq
                    from tidings.stream s
                    where s.topic = 'user:' || mark_until.user_id and s.event_id = v_before.event_id and s.sequenced_at >= v_before.created_at
                ),
                case when not pg_visible_in_snapshot(v_before.xid, v_numbered) then 9223372036854775807 else 0 end
            )
            into v_seq;
        v_upto := case when v_seq = 9223372036854775807 then v_before.event_id else 0 end;
        v_later := array(
            select s.event_id
            from tidings.stream s
            where s.topic = 'user:' || mark_until.user_id and s.seq > v_seq and s.sequenced_at >= v_before.created_at
        );
    end if;
    execute format(
        $query$
        with locked as (
            select n.id, n.created_at
            from tidings.notification n
            where n.user_id = $1 and n.in_app and n.archived_at is null and n.%1$I is null
                and (
                    ($2 is null and ($8 is null or pg_visible_in_snapshot(n.xid, $8)))
                    or n.event_id <= $7
                    or n.id = $2
                    -- Of another cluster, from which this database was restored: it has not come to that number yet.
                    or (n.xid >= pg_snapshot_xmax(pg_current_snapshot()) and n.event_id <> all ($3))
                    or (n.event_id <> all ($3) and (pg_visible_in_snapshot(n.xid, $4) or tidings.is_numbered(n.event_id, n.created_at)))
                )
            order by n.created_at, n.id
            -- One more tells whether this is the last of several calls.
            limit $5::bigint + 1
            for update
        ), marked as (
            update tidings.notification n
            set seen_at = coalesce(n.seen_at, $6) %2$s
            from (select k.id from locked k order by k.created_at, k.id limit $5) l
            where n.id = l.id
            returning 1
        )
        select (select count(*) from marked), (select count(*) from locked)
        $query$,
        what || '_at',
        case when what = 'read' then ', read_at = $6' end
    )
    into v_count, v_found
    using user_id, before, v_later, v_numbered, max_rows, at, v_upto, as_of;
    if v_count > 0 and v_found <= max_rows then
        perform tidings.notification_changed(user_id, array[null::uuid]);
    end if;
    return v_count;
end;
$$;
revoke all on function tidings.mark_until(text, text, uuid, integer, timestamptz, pg_snapshot) from public;
grant execute on function tidings.mark_until(text, text, uuid, integer, timestamptz, pg_snapshot) to tidings_server, tidings_dba;
