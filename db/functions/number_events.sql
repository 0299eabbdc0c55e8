-- Numbers a page of events, in the order given: each gets the next gseq and the next seq of its topic. Returns how many.
--
-- Poison: when a page fails it is tried in halves, down to the one row that cannot be numbered; that row is recorded in
-- capture_error (which resets its topic) and the rest goes on. Called by sequence() only, under its lock.
create or replace function tidings.number_events(
    ids bigint[],
    ats timestamptz[],
    topics text[],
    after_gseq bigint,
    at timestamptz,
    heads_day timestamptz
)
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_count integer := cardinality(ids);
    v_half integer := v_count / 2;
    v_done integer;
begin
    begin
        insert into tidings.stream (gseq, topic, seq, event_id, event_at, sequenced_at)
        select
            after_gseq + b.n,
            b.topic,
            b.place + max(greatest(0, h.seq, h.last_seq)) over (partition by b.topic),
            b.id,
            b.at,
            number_events.at
        from (
            select u.*, row_number() over (partition by u.topic order by u.n) as place
            from unnest(ids, ats, topics) with ordinality u (id, at, topic, n)
        ) b
        -- Heads are looked up at a topic's first event only.
        left join lateral (
            select
                (select th.seq from tidings.topic_head th where th.topic = b.topic) as seq,
                (
                    -- The days since topic_head was flushed, and none that is still to come: given as parameters, so
                    -- that the other days are left out before their scans are set up.
                    select s.seq
                    from tidings.stream s
                    where s.topic = b.topic
                        and s.sequenced_at >= heads_day
                        and s.sequenced_at <= number_events.at
                    order by s.seq desc
                    limit 1
                ) as last_seq
            offset 0
        ) h on b.place = 1
        order by b.n;
        return v_count;
    exception
        when others or assert_failure then
            if v_count = 1 then
                -- A mark that cannot be put into its topic becomes a floor of the kind; one of ours is only recorded.
                insert into tidings.capture_error (table_name, tracking, operation, topics, kinds, sqlstate, message, sample)
                select 'tidings.stream', 'sequence', 'NUMBER',
                    case when e.topic like 'tidings:%' then '{}' when e.event <> 'tidings.reset' then array[e.topic] end,
                    case when e.topic like 'tidings:%' then '{}' else array[split_part(e.topic, ':', 1)] end,
                    sqlstate, sqlerrm, jsonb_build_object('id', e.id::text, 'topic', e.topic, 'event', e.event)
                from tidings.event e
                where e.id = ids[1] and e.at = ats[1];
                return 0;
            end if;
    end;
    v_done := tidings.number_events(ids[:v_half], ats[:v_half], topics[:v_half], after_gseq, at, heads_day);
    return v_done + tidings.number_events(
        ids[v_half + 1:], ats[v_half + 1:], topics[v_half + 1:], after_gseq + v_done, at, heads_day
    );
end;
$$;
revoke all on function tidings.number_events(bigint[], timestamptz[], text[], bigint, timestamptz, timestamptz) from public;
