-- Makes the mails that `claim_digests` found due and gives each its notifications: all of its kind from before its end, read or not,
-- that no other mail has; a `manual` one gets those of every kind. A period that has its mail already gets no second one. With critical_only, only what heeds no quiet hours.
-- Returns how many there are now.
--
-- Locks: each person's notifications, the oldest first.
create or replace function tidings.freeze_digests(
    users text[],
    kinds text[],
    periods text[],
    dues timestamptz[],
    critical_only boolean[],
    cadence text,
    moment timestamptz
)
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
as $$
declare
    v_count integer;
begin
    with due as (
        select u.*
        from unnest(users, kinds, periods, dues, critical_only) u (user_id, kind, period, due_at, critical_only)
    ), pending as materialized (
        select n.id, n.user_id, n.created_at, d.kind, d.period, d.due_at
        from due d
        cross join lateral (
            select n.*
            from tidings.notification n
            -- Nothing of 'off' is of a kind; said so that the index of what is pending serves.
            where n.user_id = d.user_id and n.digest_id is null and n.email is distinct from 'off' and n.created_at < d.due_at
                and (
                    n.email = d.kind
                    or n.email is null and d.kind = cadence
                    or d.kind = 'manual' and coalesce(n.email, cadence) <> 'off'
                )
                and (
                    not d.critical_only
                    or exists (select from tidings.notification_types t where t.type = n.type and t.critical)
                )
            order by n.created_at, n.id
            for update
        ) n
    ), mail as (
        insert into tidings.digest (user_id, kind, period, due_at, next_at, claimed_at)
        select
            p.user_id,
            p.kind,
            coalesce(p.period, min(p.id::text)),
            p.due_at,
            moment,
            moment
        from pending p
        group by p.user_id, p.kind, p.period, p.due_at
        order by p.user_id, p.kind
        on conflict on constraint digest_key do nothing
        returning id, user_id, kind
    ), told as (
        update tidings.notification n
        set digest_id = m.id
        from pending p
        join mail m on m.user_id = p.user_id and m.kind = p.kind
        where n.id = p.id
        returning n.id
    )
    select count(*) into v_count from mail;
    return v_count;
end;
$$;
revoke all on function tidings.freeze_digests(text[], text[], text[], timestamptz[], boolean[], text, timestamptz) from public;
grant execute on function tidings.freeze_digests(text[], text[], text[], timestamptz[], boolean[], text, timestamptz) to tidings_server;
