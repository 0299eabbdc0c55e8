-- What a tail reads: up to `max_rows` events after a place in the stream, in order, and the stream's epoch and head, all in
-- the caller's snapshot (stable, so its queries share it). Always a row at least: with no event, its gseq is null.
--
-- after_at is the sequenced_at of the row at after_gseq, or earlier. Both bounds of every scan are variables and not
-- subqueries, so that days outside are left out before their scans are set up; no row of the stream is younger than the
-- sequencer's last run.
create or replace function tidings.read_stream(after_gseq bigint, after_at timestamptz, max_rows integer)
    returns table (
        epoch text,
        head bigint,
        head_at text,
        gseq bigint,
        topic text,
        seq bigint,
        event_id bigint,
        sequenced_at text,
        event text,
        at text,
        actor_id text,
        data text,
        request_id text,
        traceparent text
    )
    language plpgsql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
    -- Statistics lie about a day that has just begun; planning over every day costs more than running, compiling more still.
    set enable_seqscan = off
    set plan_cache_mode = force_generic_plan
    set jit = off
as $$
declare
    v_run tidings.run;
    v_rows tidings.stream[];
    v_from timestamptz;
    v_to timestamptz;
begin
    select r.* into v_run from tidings.run r order by r.run desc limit 1;
    if v_run.gseq > after_gseq then
        select array_agg(p order by p.gseq), min(p.event_at), max(p.event_at)
            into v_rows, v_from, v_to
        from (
            select s.*
            from tidings.stream s
            where s.gseq > after_gseq and s.sequenced_at >= after_at and s.sequenced_at <= v_run.at
            order by s.gseq
            limit max_rows
        ) p;
    end if;
    if v_rows is null then
        return query select v_run.epoch, v_run.gseq, v_run.at::text, null::bigint, null, null::bigint, null::bigint, null, null,
            null, null, null, null, null;
        return;
    end if;
    return query
    select
        v_run.epoch, v_run.gseq, v_run.at::text, s.gseq, s.topic, s.seq, s.event_id, s.sequenced_at::text,
        e.event, e.at, e.actor_id, e.data, e.request_id, e.traceparent
    from unnest(v_rows) s
    -- An event whose day was dropped is passed over, but the reader gets past it.
    left join lateral (
        select e.event, tidings.iso(e.at) as at, e.actor_id, e.data::text as data, e.request_id, e.traceparent
        from tidings.event e
        where e.id = s.event_id and e.at = s.event_at and e.at >= v_from and e.at <= v_to
        offset 0
    ) e on true
    order by s.gseq;
end;
$$;
revoke all on function tidings.read_stream(bigint, timestamptz, integer) from public;
grant execute on function tidings.read_stream(bigint, timestamptz, integer) to tidings_server;
