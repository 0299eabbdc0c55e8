-- Turns commit order into numbers. One call is one run: it takes the events that became visible since the snapshot of the
-- last pass, gives each a gseq and a seq, appends them to tidings.stream and rings one doorbell.
--
-- Call it as one autocommit statement, READ COMMITTED, with a statement timeout; any server may, one at a time does.
-- Answers: numbered (rows of this run), gseq (the stream's head), epoch, more (call again at once), busy (another runner
-- is at it), oldest_ms (how long the oldest row of this run had waited), xmin (no transaction below it is open).
--
-- What became visible: a row invisible to the last pass's snapshot `prev`. Read in id order above prev_id, the highest id
-- drawn before that snapshot; at or below it only transactions that were at work then can have rows: those prev saw open
-- and that have ended since, and those from its xmax ("latest completed + 1", so they may have begun) up to prev_xid, drawn
-- right after it. They are few and read by xid. MVCC hides the rest. A pass of more than a page is numbered page by page in id order, bounded by the snapshot `upto`,
-- so cause stays before effect across pages.
--
-- Locks: exclusive on tidings.runner, not waited for. Invariant: no write, hence no transaction id of our own, before
-- the snapshot is taken; else our own marks would count as seen.
create or replace function tidings.sequence(
    out numbered integer,
    out gseq bigint,
    out epoch text,
    out more boolean,
    out busy boolean,
    out oldest_ms double precision,
    out xmin xid8
)
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    -- Statistics lie about a day that has just begun; planning over every day costs more than running, compiling more still.
    set enable_seqscan = off
    set plan_cache_mode = force_generic_plan
    set jit = off
as $$
declare
    c_page constant integer := 10000;
    st tidings.run;
    v_fresh boolean;
    v_drawn bigint;
    v_latest bigint;
    v_failed boolean;
    v_lost bigint;
    v_errors bigint;
    v_horizon timestamptz;
    v_now pg_snapshot;
    v_finished xid8[];
    v_ids bigint[];
    v_ats timestamptz[];
    v_topics text[];
    v_marks bigint[];
    v_room integer;
    v_left bigint;
    v_heads_day timestamptz;
begin
    numbered := 0;
    more := false;
    busy := false;
    if current_setting('transaction_isolation') <> 'read committed' or pg_current_xact_id_if_assigned() is not null then
        raise exception 'expected tidings.sequence() to be a statement of its own in READ COMMITTED'
            using errcode = '25001';
    end if;
    begin
        lock table tidings.runner in exclusive mode nowait;
    exception
        when lock_not_available then
            busy := true;
            return;
    end;
    -- Numbers that were shown must not be lost with a crash.
    if current_setting('synchronous_commit') in ('off', 'local') then
        perform set_config('synchronous_commit', 'on', true);
    end if;

    select r.* into st from tidings.run r order by r.run desc limit 1;
    if st.postmaster_started_at is distinct from pg_postmaster_start_time() then
        if st.timeline is distinct from left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
            or st.system_identifier is distinct from (select c.system_identifier from pg_control_system() c)
        then
            st := tidings.begin_epoch(st);
            perform tidings.keep_state(st);
            epoch := st.epoch;
            gseq := st.gseq;
            xmin := pg_snapshot_xmin(st.prev);
            more := true;
            if pg_notification_queue_usage() < 0.5 then
                perform pg_notify('tidings_stream', gseq::text);
            end if;
            return;
        end if;
        st.postmaster_started_at := pg_postmaster_start_time();
    end if;
    epoch := st.epoch;
    gseq := st.gseq;

    -- In this order: what is drawn, or moves, after it was read here belongs to a later pass.
    v_horizon := coalesce(to_timestamp(pg_sequence_last_value('tidings.horizon')), '-infinity');
    v_drawn := coalesce(greatest(pg_sequence_last_value('tidings.event_id'), st.prev_id), 0);
    v_lost := coalesce(pg_sequence_last_value('tidings.capture_lost'), 0);
    v_errors := coalesce(pg_sequence_last_value('tidings.capture_error_id_seq'), 0);
    v_now := pg_current_snapshot();
    xmin := pg_snapshot_xmin(v_now);
    -- And what is drawn after it is not in this pass: nothing above the first is visible in the snapshot.
    v_latest := coalesce(pg_sequence_last_value('tidings.event_id'), 0);
    v_failed := pg_sequence_last_value('tidings.capture_error_id_seq') is not null;

    v_fresh := st.upto is null;
    select array(select x from pg_snapshot_xip(st.prev) x where pg_visible_in_snapshot(x, coalesce(st.upto, v_now)))
        into v_finished;

    select max(p.id) into v_left from (select n.id from tidings.unnumbered n order by n.id limit c_page) p;
    if v_left is not null then
        select array_agg(u.id order by u.id), array_agg(u.at order by u.id), array_agg(u.topic order by u.id)
            into v_ids, v_ats, v_topics
        from (
            select n.id, n.at, e.topic
            from (select * from tidings.unnumbered n where n.id <= v_left) n
            join tidings.event e on e.id = n.id and e.at = n.at
        ) u;
    end if;

    if v_left is not null then
        -- What an epoch began with goes first; the pass itself waits. Days dropped meanwhile are only let go.
        delete from tidings.unnumbered n where n.id <= v_left;
        more := true;
    elsif v_fresh
        and v_drawn = st.prev_id
        and v_finished = '{}'
        and st.prev_xid <= pg_snapshot_xmax(st.prev)
        and v_errors = st.error_id
        and v_lost = st.lost
        and (st.lost_until is null or xmin < st.lost_until)
        and not exists (select from tidings.pending_mark)
    then
        return;
    else
        if v_fresh then
            st.upto := v_now;
            st.upto_id := v_drawn;
            st.upto_xid := pg_current_xact_id();
            st.upto_gseq := st.gseq;
            st.upto_horizon := v_horizon;
            st.upto_error_id := v_errors;
            st.after_id := 0;
        end if;
        -- Two statements, because starting a scan of every day costs more than reading what is new in it.
        if v_finished <> '{}' or st.prev_xid > pg_snapshot_xmax(st.prev) then
            select array_agg(c.id order by c.id), array_agg(c.at order by c.id), array_agg(c.topic order by c.id),
                array_agg(c.id) filter (where c.event in ('tidings.reset', 'tidings.floor'))
                into v_ids, v_ats, v_topics, v_marks
            from (
                select f.*
                from (
                    select x as xid from unnest(v_finished) x
                    union all
                    select x::text::xid8
                    from generate_series(pg_snapshot_xmax(st.prev)::text::bigint, st.prev_xid::text::bigint - 1) x
                ) w
                cross join lateral (
                    select e.id, e.at, e.topic, e.event
                    from tidings.event e
                    -- Equality and rows, for which only the index by transaction will do: the planner would walk the
                    -- day by id for the sake of the order.
                    where e.xid = w.xid
                        and (e.xid, e.id) > (w.xid, st.after_id)
                        and (e.xid, e.id) <= (w.xid, st.prev_id)
                        and e.at >= st.open_horizon
                        and pg_visible_in_snapshot(e.xid, st.upto)
                        -- A restored row may carry the number of one of this cluster's transactions.
                        and (e.id > st.epoch_id or not tidings.is_numbered(e.id, e.at))
                    order by e.id
                    limit c_page
                ) f
                order by f.id
                limit c_page
            ) c;
        end if;
        v_room := c_page - coalesce(cardinality(v_ids), 0);
        if v_room > 0 and v_latest > greatest(st.prev_id, st.after_id) then
            select
                v_ids || array_agg(c.id order by c.id),
                v_ats || array_agg(c.at order by c.id),
                v_topics || array_agg(c.topic order by c.id),
                v_marks || array_agg(c.id) filter (where c.event in ('tidings.reset', 'tidings.floor'))
                into v_ids, v_ats, v_topics, v_marks
            from (
                select e.id, e.at, e.topic, e.event
                from tidings.event e
                where e.id > greatest(st.prev_id, st.after_id)
                    and not pg_visible_in_snapshot(e.xid, st.prev)
                    and pg_visible_in_snapshot(e.xid, st.upto)
                    and e.at >= st.open_horizon
                order by e.id
                limit v_room
            ) c;
        end if;
        if cardinality(v_ids) = c_page then
            st.after_id := v_ids[c_page];
            more := true;
        else
            if v_failed then
                perform tidings.collect_losses(st, v_finished);
            end if;
            st.open_horizon := case
                when pg_snapshot_xmin(st.upto) >= st.prev_xid then st.prev_horizon
                else least(st.open_horizon, st.prev_horizon)
            end;
            st.prev_horizon := st.upto_horizon;
            st.prev := st.upto;
            st.prev_id := st.upto_id;
            st.prev_xid := st.upto_xid;
            st.prev_gseq := st.upto_gseq;
            st.upto := null;
            st.error_id := st.upto_error_id;
        end if;
    end if;
    -- What could not even be recorded: told at once, and again when whoever drew it must have ended.
    if v_lost > st.lost or xmin >= st.lost_until then
        insert into tidings.pending_mark (topic, kind) values (null, null);
        st.lost_until := case when v_lost > st.lost then pg_current_xact_id() end;
        st.lost := v_lost;
    end if;

    st.at := greatest(clock_timestamp(), st.at);
    if v_ids is not null then
        select date_trunc('day', f.at, 'UTC') into v_heads_day from tidings.heads_flushed f;
        oldest_ms := 1000 * extract(epoch from clock_timestamp() - v_ats[1]);
        if 'tidings:access' = any (v_topics) then
            select o.ids, o.ats, o.topics into v_ids, v_ats, v_topics
            from tidings.order_access(v_ids, v_ats, v_topics) o;
        end if;
        numbered := tidings.number_events(v_ids, v_ats, v_topics, st.gseq, st.at, v_heads_day);
        if v_marks is not null then
            perform tidings.raise_floors(st.gseq, v_marks, st.at);
        end if;
        st.gseq := st.gseq + numbered;
        gseq := st.gseq;
        -- What was put aside becomes a mark in the next run.
        more := more or numbered < cardinality(v_ids);
    end if;
    more := tidings.place_marks() or more;
    perform tidings.keep_state(st);
    if numbered > 0 and pg_notification_queue_usage() < 0.5 then
        perform pg_notify('tidings_stream', gseq::text);
    end if;
end;
$$;
revoke all on function tidings.sequence() from public;
grant execute on function tidings.sequence() to tidings_server;
