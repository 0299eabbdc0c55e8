-- Which of these users may read these topics, in order: the kind's `can_read`, asked once per kind; a user reads
-- `user:<own id>` and nobody else's. False for a kind nobody declared, an id that is not of the kind's type or not spelled
-- as the type prints it (nobody writes events to project:007), and a
-- function that raises (then the kind is asked one by one, so that only the raising one suffers).
--
-- Runs as the caller, so can_read never has more rights than the server's role.
create or replace function tidings.may_read(users text[], topics text[])
    returns boolean[]
    language plpgsql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_answers boolean[] := array_fill(false, array[cardinality(users)]);
    v_kind record;
    v_query text;
    v_found boolean[];
begin
    for v_kind in
        select
            split_part(u.topic, ':', 1) as kind,
            array_agg(u.n::integer order by u.n) as places,
            array_agg(u.user_id order by u.n) as users,
            array_agg(substr(u.topic, strpos(u.topic, ':') + 1) order by u.n) as ids
        from unnest(users, topics) with ordinality u (user_id, topic, n)
        group by 1
    loop
        if v_kind.kind = 'user' then
            select array_agg(u.user_id = u.id order by u.n) into v_found
            from unnest(v_kind.users, v_kind.ids) with ordinality u (user_id, id, n);
        else
            select format(
                'select array_agg(coalesce(case when %s then %s(u.user_id, u.id::%s) end, false) order by u.n)
                 from unnest($1, $2) with ordinality u (user_id, id, n)',
                case k.id_type
                    when 'uuid' then $t$u.id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'$t$
                    when 'bigint' then $t$case when u.id ~ '^(0|-?[1-9][0-9]{0,18})$' then u.id::numeric between -9223372036854775808 and 9223372036854775807 end$t$
                    when 'integer' then $t$case when u.id ~ '^(0|-?[1-9][0-9]{0,9})$' then u.id::bigint between -2147483648 and 2147483647 end$t$
                    else 'true'
                end,
                k.can_read,
                k.id_type
            )
            into v_query
            from tidings.topic_kinds k
            where k.kind = v_kind.kind;
            continue when not found;
            begin
                execute v_query into v_found using v_kind.users, v_kind.ids;
            exception
                when others or assert_failure then
                    v_found := tidings.may_read_each(v_query, v_kind.users, v_kind.ids);
            end;
        end if;
        for i in 1 .. cardinality(v_kind.places) loop
            v_answers[v_kind.places[i]] := v_found[i];
        end loop;
    end loop;
    return v_answers;
end;
$$;
revoke all on function tidings.may_read(text[], text[]) from public;
grant execute on function tidings.may_read(text[], text[]) to tidings_server, tidings_dba;
