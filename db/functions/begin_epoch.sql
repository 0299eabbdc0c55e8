-- Starts an epoch after `st` (null: the first), returning the state to go on from: a new name, a snapshot of this cluster,
-- and in `unnumbered` every event that the log holds and the stream does not. Called under the sequencer's lock, before
-- anything in the transaction has drawn a transaction id.
--
-- Transaction ids in restored rows mean nothing here. What `st` says is still true of the rows that came with it: all up
-- to prev_id is numbered, save what prev did not see; the few after prev_id that are numbered have a gseq above prev_gseq.
create or replace function tidings.begin_epoch(st tidings.run)
    returns tidings.run
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
declare
    nx tidings.run;
begin
    nx.prev_id := (select case when q.is_called then q.last_value else q.last_value - 1 end from tidings.event_id q);
    -- One statement: the snapshot kept is the one that chose the rows.
    with missing as (
        insert into tidings.unnumbered (id, at)
        select e.id, e.at
        from tidings.event e
        where (
                st.run is null
                or e.id > st.prev_id
                or e.xid in (select pg_snapshot_xip(st.prev))
                or (e.xid >= pg_snapshot_xmax(st.prev) and e.xid < st.prev_xid)
            )
            and not exists (
                select from tidings.stream s where s.event_id = e.id and (st.run is null or s.gseq > st.prev_gseq)
            )
        on conflict do nothing
    )
    select pg_current_snapshot() into nx.prev;
    nx.prev_xid := pg_current_xact_id();
    nx.at := greatest(clock_timestamp(), st.at);
    nx.epoch := substr(replace(gen_random_uuid()::text, '-', ''), 1, 12);
    nx.gseq := coalesce(st.gseq, (select max(s.gseq) from tidings.stream s), 0);
    nx.prev_gseq := nx.gseq;
    nx.epoch_id := nx.prev_id;
    nx.prev_horizon := coalesce(to_timestamp(pg_sequence_last_value('tidings.horizon')), '-infinity');
    nx.open_horizon := '-infinity';
    nx.after_id := 0;
    nx.error_id := coalesce(st.error_id, 0);
    nx.lost := coalesce(st.lost, (select q.last_value from tidings.capture_lost q));
    nx.system_identifier := (select c.system_identifier from pg_control_system() c);
    nx.timeline := left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);
    nx.postmaster_started_at := pg_postmaster_start_time();
    return nx;
end;
$$;
revoke all on function tidings.begin_epoch(tidings.run) from public;
