-- Says that a mail is about to be handed over, after which it may have gone out. False if it was taken up by another: then it must not be.
create or replace function tidings.hand_over_digest(
    id bigint,
    attempt integer,
    lease interval default '10 min',
    moment timestamptz default clock_timestamp()
)
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    update tidings.digest d
    set state = 'sending', next_at = moment + lease
    where d.id = hand_over_digest.id and d.attempt = hand_over_digest.attempt and d.state = 'claimed';
    return found;
end;
$$;
revoke all on function tidings.hand_over_digest(bigint, integer, interval, timestamptz) from public;
grant execute on function tidings.hand_over_digest(bigint, integer, interval, timestamptz) to tidings_server;
