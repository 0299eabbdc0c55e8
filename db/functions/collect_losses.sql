-- Notes the capture errors of the pass that ends in st.upto: the topics known to have lost something, the kinds where the
-- topic is unknown. Called by sequence() only, under its lock.
create or replace function tidings.collect_losses(st tidings.run, finished xid8[])
    returns void
    language sql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
begin atomic
    insert into tidings.pending_mark (topic, kind)
    with taken as materialized (
        select c.topics, c.kinds
        from tidings.capture_error c
        where c.id > (st).error_id
            and not pg_visible_in_snapshot(c.xid, (st).prev)
            and pg_visible_in_snapshot(c.xid, (st).upto)
        union all
        select c.topics, c.kinds
        from tidings.capture_error c
        where c.id <= (st).error_id
            and (c.xid = any (finished) or (c.xid >= pg_snapshot_xmax((st).prev) and c.xid < (st).prev_xid))
            and pg_visible_in_snapshot(c.xid, (st).upto)
    )
    select u.topic, null::text
    from taken t cross join lateral unnest(t.topics) u (topic)
    union
    select null, u.kind
    from taken t cross join lateral unnest(coalesce(t.kinds, array[null::text])) u (kind)
    where t.topics is null;
end;
revoke all on function tidings.collect_losses(tidings.run, xid8[]) from public;
