-- Says how an attempt at a mail ended: `sent`, `skipped` (nothing to tell), `retry` (certainly not accepted), `rejected` (never will be: the
-- address is suppressed) or `unknown`. A retry waits twice as long each time, an hour at most, and is given up a day after the
-- claim. Returns the state it is in now; null if it was taken up by another since.
create or replace function tidings.end_digest(
    id bigint,
    attempt integer,
    outcome text,
    reason text default null,
    address text default null,
    count integer default null,
    message_id text default null,
    moment timestamptz default clock_timestamp()
)
    returns text
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_state text;
begin
    if end_digest.outcome not in ('sent', 'skipped', 'retry', 'rejected', 'unknown') then
        raise exception 'expected outcome to be sent, skipped, retry, rejected or unknown, got %', quote_literal(end_digest.outcome)
            using errcode = '22023';
    end if;
    update tidings.digest d
    set
        state = case end_digest.outcome
            when 'rejected' then 'failed'
            when 'retry' then case when d.claimed_at < end_digest.moment - interval '1 day' then 'failed' else 'claimed' end
            else end_digest.outcome
        end,
        next_at = end_digest.moment + least(interval '1 hour', interval '15 s' * 2 ^ least(d.attempt, 20)),
        ended_at = case
            when end_digest.outcome <> 'retry' or d.claimed_at < end_digest.moment - interval '1 day' then end_digest.moment
        end,
        reason = end_digest.reason,
        count = coalesce(end_digest.count, d.count),
        message_id = coalesce(end_digest.message_id, d.message_id)
    -- One that was held for dead may come back and say how it ended.
    where d.id = end_digest.id and d.attempt = end_digest.attempt and d.state in ('claimed', 'sending', 'unknown')
    returning d.state into v_state;
    if v_state = 'failed' and end_digest.outcome = 'rejected' and end_digest.address is not null then
        perform tidings.suppress(end_digest.address, end_digest.reason);
    end if;
    return v_state;
end;
$$;
revoke all on function tidings.end_digest(bigint, integer, text, text, text, integer, text, timestamptz) from public;
grant execute on function tidings.end_digest(bigint, integer, text, text, text, integer, text, timestamptz) to tidings_server;
