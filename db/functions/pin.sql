-- Everything a subscription needs to know before it answers, for many at once and all in the caller's snapshot (stable, so
-- its queries share it): may the user read the topic, the topic's head and epoch, the head of the whole stream, and
-- whether every event after `since` is still there to be replayed.
--
-- resumable: since is not above the head nor below the topic's floor, and the event that follows it is in the log.
create or replace function tidings.pin(users text[], topics text[], sinces bigint[])
    returns table (n integer, allowed boolean, head bigint, epoch text, gseq bigint, resumable boolean)
    language plpgsql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set plan_cache_mode = force_generic_plan
    set jit = off
as $$
declare
    v_allowed boolean[] := tidings.may_read(users, topics);
    v_run tidings.run;
    v_heads_day timestamptz;
begin
    select r.* into v_run from tidings.run r order by r.run desc limit 1;
    select date_trunc('day', f.at, 'UTC') into v_heads_day from tidings.heads_flushed f;
    return query
    select
        u.n::integer,
        u.allowed,
        h.head,
        tidings.topic_epoch(u.topic, v_run.epoch),
        v_run.gseq,
        coalesce(
            u.since <= h.head
            and u.since >= coalesce((select t.floor from tidings.topic_head t where t.topic = u.topic), 0)
            and (
                u.since = h.head
                or exists (
                    select
                    from tidings.stream s
                    where s.topic = u.topic and s.seq = u.since + 1
                        and exists (select from tidings.event e where e.id = s.event_id and e.at = s.event_at)
                )
            ),
            false
        )
    from unnest(topics, sinces, v_allowed) with ordinality u (topic, since, allowed, n)
    -- As tidings.head(), with the bounds in variables, so that other days are left out before their scans are set up.
    cross join lateral (
        select greatest(
            0,
            case when u.allowed then (select t.seq from tidings.topic_head t where t.topic = u.topic) end,
            case when u.allowed then (
                select s.seq
                from tidings.stream s
                where s.topic = u.topic and s.sequenced_at >= v_heads_day and s.sequenced_at <= v_run.at
                order by s.seq desc
                limit 1
            ) end
        ) as head
    ) h
    order by u.n;
end;
$$;
revoke all on function tidings.pin(text[], text[], bigint[]) from public;
grant execute on function tidings.pin(text[], text[], bigint[]) to tidings_server;
