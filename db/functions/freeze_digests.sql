-- Makes the mails that `claim_digests` found due and gives each its notifications: all of its kind from before its end, read or not,
-- that no other mail has; a `manual` one gets those of every kind. What a mail has no room for is in the next.
-- A period that has its mail already gets no second one. With critical_only, only what heeds no quiet hours.
-- Returns how many there are now.
--
-- Locks: the notifications, the oldest first, of whomever and whichever kind: all who lock several do so in this order.
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
    -- Of a mail. Else one person of whom too much is told would keep all from theirs: a statement may take seconds only.
    c_most constant integer := 1000;
    v_count integer;
begin
    with due as (
        select u.*
        from unnest(users, kinds, periods, dues, critical_only) u (user_id, kind, period, due_at, critical_only)
    ), pending as materialized (
        select n.id, n.user_id, d.kind, d.period, d.due_at
        from due d
        cross join lateral (
            select w.id
            from tidings.notification w
            -- What is off is in no mail, and not in the index either, whose order this is.
            where w.user_id = d.user_id and w.digest_id is null and w.email is distinct from 'off' and w.created_at < d.due_at
                and (
                    w.email = d.kind
                    or w.email is null and d.kind = cadence
                    or d.kind = 'manual' and coalesce(w.email, cadence) <> 'off'
                )
                and (
                    not d.critical_only
                    or exists (select from tidings.notification_types t where t.type = w.type and t.critical)
                )
            order by w.user_id, w.email, w.created_at
            limit c_most
        ) w
        join tidings.notification n on n.id = w.id and n.digest_id is null
        order by n.created_at, n.id
        for update of n
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
