-- Writes the pending marks into the log: `tidings.reset` in a topic, `tidings.floor` for a kind. They are events like any
-- other and are numbered by the next run. True if there were any. If the log refuses them, they stay pending: losing the
-- mark would hide the loss, and failing would stop everybody's events. Called by sequence() only, under its lock.
create or replace function tidings.place_marks()
    returns boolean
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (select from tidings.pending_mark) then
        return false;
    end if;
    with placed as (
        delete from tidings.pending_mark returning topic, kind
    )
    insert into tidings.event (at, topic, event, data)
    select
        greatest(clock_timestamp(), to_timestamp(pg_sequence_last_value('tidings.horizon'))),
        coalesce(p.topic, 'tidings:control'),
        case when p.topic is null then 'tidings.floor' else 'tidings.reset' end,
        case when p.topic is null then jsonb_build_object('kind', p.kind) else '{}' end || '{"reason": "capture_error"}'
    from (select distinct q.topic, q.kind from placed q) p;
    return true;
exception
    when others or assert_failure then
        raise warning 'tidings: marks of what was lost could not be placed yet: %', sqlerrm;
        return false;
end;
$$;
revoke all on function tidings.place_marks() from public;
