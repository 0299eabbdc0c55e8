-- Claims the mails that are due at a moment: for each person with something to be told, of each kind, one for the last period that has
-- ended, unless there is one for it, or quiet hours put it off. Works through at most max_users people behind `after_user`; answers
-- how many mails were claimed, and the last person looked at (null: there are no more).
--
-- cadence: the kind for those who chose none ('off': none). The zone, hour and weekday are for those of whom none is known.
-- instant_delay is how long something is left to be read on a socket first. A critical type is instant and heeds no quiet hours.
--
-- Runs as the caller, who needs a right on the view given to `people`.
create or replace function tidings.claim_digests(
    moment timestamptz default clock_timestamp(),
    kinds text[] default '{instant,hourly,daily,weekly}',
    cadence text default 'daily',
    time_zone text default 'UTC',
    digest_hour integer default 8,
    digest_weekday integer default 1,
    instant_delay interval default '10 s',
    max_users integer default 200,
    after_user text default '',
    out claimed integer,
    out last_user text
)
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
    set jit = off
as $$
declare
    v_users text[];
begin
    if kinds = '{instant}' then
        -- Asked every few seconds, and few wait: no need to look at all who wait for a digest.
        select array_agg(p.user_id order by p.user_id) into v_users
        from (
            select distinct n.user_id
            from tidings.notification n
            where n.user_id > after_user and n.digest_id is null and n.email = 'instant'
            order by n.user_id
            limit max_users
        ) p;
    else
        -- People with something pending, one index probe each.
        with recursive u as (
            (
                select n.user_id
                from tidings.notification n
                where n.user_id > after_user and n.digest_id is null and n.email is distinct from 'off'
                order by n.user_id
                limit 1
            )
            union all
            select (
                select n.user_id
                from tidings.notification n
                where n.user_id > u.user_id and n.digest_id is null and n.email is distinct from 'off'
                order by n.user_id
                limit 1
            )
            from u
            where u.user_id is not null
        )
        select array_agg(p.user_id) into v_users
        from (select u.user_id from u where u.user_id is not null limit max_users) p;
    end if;
    last_user := v_users[max_users];
    if v_users is null then
        claimed := 0;
        return;
    end if;
    with person as materialized (
        -- Once each: whether a zone is one is not found out for nothing.
        select u.user_id, z.time_zone, s.digest_hour, s.digest_weekday,
            tidings.quiet_until(moment, z.time_zone, s.quiet_from, s.quiet_to) > moment as quiet
        from unnest(v_users) u (user_id)
        left join tidings.people_of(v_users) p on p.id = u.user_id
        left join tidings.schedule s on s.user_id = u.user_id
        cross join lateral (
            select coalesce(
                    s.time_zone,
                    case when tidings.is_time_zone(p.time_zone) then p.time_zone end,
                    claim_digests.time_zone
                ) as time_zone
            offset 0
        ) z
    )
    select tidings.freeze_digests(
            coalesce(array_agg(d.user_id), '{}'), coalesce(array_agg(d.kind), '{}'), coalesce(array_agg(d.period), '{}'),
            coalesce(array_agg(d.due_at), '{}'), coalesce(array_agg(d.critical_only), '{}'), cadence, moment
        )
        into claimed
    from (
        select u.user_id, k.kind, e.due_at, e.period, u.quiet as critical_only
        from person u
        cross join unnest(kinds) k (kind)
        cross join lateral (
            select d.due_at, d.period
            from tidings.digest_due(
                k.kind, moment, u.time_zone, coalesce(u.digest_hour, claim_digests.digest_hour),
                coalesce(u.digest_weekday, claim_digests.digest_weekday)
            ) d
            where k.kind <> 'instant'
            union all
            select moment - instant_delay, null where k.kind = 'instant'
        ) e
        where (not u.quiet or k.kind = 'instant')
            -- Two probes of the index of what is pending, and not one question with `or`, which would read all of the table.
            and (
                exists (
                    select
                    from tidings.notification n
                    where n.user_id = u.user_id and n.email = k.kind and n.created_at < e.due_at
                        and n.digest_id is null and n.email is distinct from 'off'
                )
                or k.kind = cadence and exists (
                    select
                    from tidings.notification n
                    where n.user_id = u.user_id and n.email is null and n.created_at < e.due_at
                        and n.digest_id is null and n.email is distinct from 'off'
                )
            )
    ) d;
end;
$$;
revoke all on function tidings.claim_digests(timestamptz, text[], text, text, integer, integer, interval, integer, text) from public;
grant execute on function tidings.claim_digests(timestamptz, text[], text, text, integer, integer, interval, integer, text) to tidings_server;
