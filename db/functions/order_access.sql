-- Puts each access row of a page in front of all that its own snapshot did not see: what its transaction wrote, and what
-- was still open when it was written and may have been committed after the change it tells of. So whoever lost a right
-- gets nothing that was committed later, and what was committed before stays before. Called by sequence() only.
--
-- Cause stays before effect: where b may depend on a, a was committed before b was written, so an access row that did not
-- see a did not see b either, and both go behind it in id order. Residual: of a pass longer than a page, a row of an earlier page stays before it.
--
-- An event's place is the highest id among its own and those of the access rows that did not see it. These are found by
-- transaction: the snapshot lists it as open, or it is not below the snapshot's xmax, or it is the row's own.
create or replace function tidings.order_access(inout ids bigint[], inout ats timestamptz[], inout topics text[])
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    with page as (
        select u.id, u.at, u.topic, e.xid, e.snapshot
        from unnest(ids, ats, topics) u (id, at, topic)
        left join lateral (
            select
                v.xid,
                case when u.topic = 'tidings:access' then (v.data ->> 'snapshot')::pg_snapshot end as snapshot
            from tidings.event v
            where v.id = u.id and v.at = u.at
            offset 0
        ) e on true
    ),
    met as (
        select p.id, p.xid, p.snapshot from page p where p.topic = 'tidings:access'
    ),
    named as (
        select n.xid, max(n.id) as behind
        from (
            select m.id, m.xid from met m
            union all
            select m.id, x.xid from met m cross join lateral pg_snapshot_xip(m.snapshot) x (xid)
        ) n
        group by n.xid
    ),
    later as (
        select l.id, max(l.met) over (order by l.xid) as behind
        from (
            select p.id, p.xid, null::bigint as met from page p
            union all
            select null, pg_snapshot_xmax(m.snapshot), m.id from met m where m.snapshot is not null
        ) l
    ),
    placed as (
        select
            p.*,
            case when p.topic = 'tidings:access' then p.id else greatest(p.id, n.behind, l.behind) end as place
        from page p
        left join named n on n.xid = p.xid
        join later l on l.id = p.id
    )
    select
        array_agg(o.id order by o.place, o.topic <> 'tidings:access', o.id),
        array_agg(o.at order by o.place, o.topic <> 'tidings:access', o.id),
        array_agg(o.topic order by o.place, o.topic <> 'tidings:access', o.id)
        into ids, ats, topics
    from placed o;
exception
    when others or assert_failure then
        -- Not worth everybody's events.
        raise warning 'tidings: access rows are met in id order this once: %', sqlerrm;
end;
$$;
revoke all on function tidings.order_access(bigint[], timestamptz[], text[]) from public;
