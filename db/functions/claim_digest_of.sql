-- Makes a mail to one person of everything they have not been told yet, whenever it would be due, and takes it up: nobody else sends it.
-- No row if there is nothing. cadence is the kind for those who chose none.
create or replace function tidings.claim_digest_of(
    user_id text,
    cadence text default 'daily',
    lease interval default '5 min',
    moment timestamptz default clock_timestamp()
)
    returns table (id bigint, attempt integer)
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_before bigint := coalesce((select max(d.id) from tidings.digest d where d.user_id = claim_digest_of.user_id), 0);
begin
    perform tidings.freeze_digests(
        array[claim_digest_of.user_id], array['manual'], array[null::text], array['infinity'::timestamptz], array[false],
        claim_digest_of.cadence, claim_digest_of.moment
    );
    return query
    update tidings.digest d
    set attempt = 1, next_at = claim_digest_of.moment + claim_digest_of.lease
    where d.user_id = claim_digest_of.user_id and d.kind = 'manual' and d.state = 'claimed' and d.attempt = 0 and d.id > v_before
    returning d.id, d.attempt;
end;
$$;
revoke all on function tidings.claim_digest_of(text, text, interval, timestamptz) from public;
grant execute on function tidings.claim_digest_of(text, text, interval, timestamptz) to tidings_server;
