-- Appends a row of sequencer state. Called under the sequencer's lock.
create or replace function tidings.keep_state(st tidings.run)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    insert into tidings.run (
        at, epoch, gseq, prev, prev_id, prev_xid, prev_gseq, prev_horizon, open_horizon, upto, upto_id, upto_xid, upto_gseq, upto_horizon,
        after_id, error_id, upto_error_id, lost, lost_until, epoch_id, system_identifier, timeline, postmaster_started_at
    )
    values (
        st.at, st.epoch, st.gseq, st.prev, st.prev_id, st.prev_xid, st.prev_gseq, st.prev_horizon, st.open_horizon, st.upto, st.upto_id, st.upto_xid,
        st.upto_gseq, st.upto_horizon, st.after_id, st.error_id, st.upto_error_id, st.lost, st.lost_until,
        st.epoch_id, st.system_identifier, st.timeline,
        st.postmaster_started_at
    );
end;
$$;
revoke all on function tidings.keep_state(tidings.run) from public;
