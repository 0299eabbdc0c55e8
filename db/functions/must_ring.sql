-- Whether the sequencer sleeps and wants to be woken. Asked after the event row is written, never before.
--
-- An awake sequencer holds the wake lock exclusively, so the try fails and nobody rings: a busy database never takes the
-- cluster-wide lock that a commit after NOTIFY holds. Try and release stand in one expression, with no place between
-- them where an error or a cancel could leave the lock behind.
-- `set tidings.wake = 'poll'` turns ringing off: PREPARE TRANSACTION fails after a NOTIFY.
create or replace function tidings.must_ring()
    returns boolean
    language sql
    volatile
return case
    when current_setting('tidings.wake', true) = 'poll' then false
    when pg_try_advisory_lock_shared(1953064289, 1) then pg_advisory_unlock_shared(1953064289, 1) and pg_notification_queue_usage() < 0.5
    else false
end;
revoke all on function tidings.must_ring() from public;
