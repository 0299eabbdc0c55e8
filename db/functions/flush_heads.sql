-- Brings topic_head up to the stream's head, so that a head is found without reading old days, and deletes sequencer state
-- that is past use. A server calls it every few seconds; one at a time does it. Returns how many topics moved.
--
-- Locks: its chore, if nobody has it; rows of topic_head in topic order.
create or replace function tidings.flush_heads()
    returns integer
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set jit = off
as $$
declare
    v_from tidings.heads_flushed;
    v_to tidings.run;
    v_moved integer;
begin
    select r.* into v_to from tidings.run r order by r.run desc limit 1;
    -- First, as a lock is a write.
    if v_to.run is null or v_to.gseq = (select f.gseq from tidings.heads_flushed f) then
        return 0;
    end if;
    perform from tidings.chore c where c.name = 'heads' for update skip locked;
    if not found then
        return 0;
    end if;
    select * into v_from from tidings.heads_flushed;
    if v_from.gseq >= v_to.gseq then
        return 0;
    end if;
    insert into tidings.topic_head as h (topic, seq)
    select s.topic, max(s.seq)
    from tidings.stream s
    where s.gseq > v_from.gseq and s.gseq <= v_to.gseq and s.sequenced_at >= v_from.at and s.sequenced_at <= v_to.at
    group by s.topic
    order by s.topic
    on conflict (topic) do update set seq = greatest(h.seq, excluded.seq);
    get diagnostics v_moved = row_count;
    update tidings.heads_flushed set gseq = v_to.gseq, at = v_to.at;
    delete from tidings.run r where r.run < v_to.run - 100;
    return v_moved;
end;
$$;
revoke all on function tidings.flush_heads() from public;
grant execute on function tidings.flush_heads() to tidings_server;
