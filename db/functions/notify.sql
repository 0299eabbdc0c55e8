-- Tells people something: users[i] is told what stands at places[i] of the other arrays. Who may not read a topic is not
-- told of it. An actor that is null is whoever acts (`tidings.actor`). What generated rules and `send_notification` call. Returns how many notifications there are now.
--
-- Runs as the caller, so that can_read never has more rights than whoever declared the rule.
create or replace function tidings.notify(
    users text[],
    places integer[],
    types text[],
    payloads jsonb[],
    group_keys text[],
    topics text[],
    actors text[]
)
    returns integer
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_users text[] := users;
    v_places integer[] := places;
begin
    if array_remove(topics, null) <> '{}' then
        select coalesce(array_agg(a.user_id order by a.n), '{}'), coalesce(array_agg(a.place order by a.n), '{}')
            into v_users, v_places
        from (
            select u.user_id, u.place, u.n
            from unnest(users, places) with ordinality u (user_id, place, n)
            where topics[u.place] is null
            union all
            select c.user_id, c.place, c.n
            from (
                select array_agg(u.user_id order by u.n) as user_ids, array_agg(topics[u.place] order by u.n) as topics,
                    array_agg(u.place order by u.n) as places, array_agg(u.n order by u.n) as ns
                from unnest(users, places) with ordinality u (user_id, place, n)
                where topics[u.place] is not null
                -- None at all is no question to ask.
                having count(*) > 0
            ) w
            cross join lateral unnest(w.user_ids, w.places, w.ns, tidings.may_read(w.user_ids, w.topics)) c (user_id, place, n, allowed)
            where c.allowed
        ) a;
    end if;
    if v_users = '{}' then
        return 0;
    end if;
    return tidings.append_notifications(v_users, v_places, types, payloads, group_keys, topics, actors);
end;
$$;
revoke all on function tidings.notify(text[], integer[], text[], jsonb[], text[], text[], text[]) from public;
grant execute on function tidings.notify(text[], integer[], text[], jsonb[], text[], text[], text[]) to tidings_dba, tidings_server;
