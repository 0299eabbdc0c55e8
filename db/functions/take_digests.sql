-- Takes up at most max_rows mails that are to be sent, instant ones first, until `lease` is over: then another may. Whoever holds a
-- mail names it by id and attempt. A mail whose sender died after it had begun to hand it over is `unknown` from then on: nobody can say whether it went out.
create or replace function tidings.take_digests(
    max_rows integer,
    lease interval default '5 min',
    moment timestamptz default clock_timestamp(),
    only_instant boolean default false
)
    returns table (id bigint, attempt integer)
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    update tidings.digest d
    set state = 'unknown', ended_at = moment, reason = 'whoever was sending it died over it'
    where d.state = 'sending' and d.next_at <= moment;
    return query
    update tidings.digest d
    set attempt = d.attempt + 1, next_at = moment + lease
    -- As an array, so that their keys are looked up, and not all there ever were read for a few.
    where d.id = any (array(
        select f.id
        from tidings.digest f
        where f.state = 'claimed' and f.next_at <= moment and (f.kind <> 'instant') <= (not only_instant)
        -- As the index has them: those of one claim have one time, and would all be sorted each time.
        order by (f.kind <> 'instant'), f.next_at
        limit max_rows
        for update skip locked
    ))
    returning d.id, d.attempt;
end;
$$;
revoke all on function tidings.take_digests(integer, interval, timestamptz, boolean) from public;
grant execute on function tidings.take_digests(integer, interval, timestamptz, boolean) to tidings_server;
