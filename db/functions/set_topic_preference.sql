-- Mutes a topic for a user, has them watch it, or (null) neither.
--
-- Errors: 22023 for a malformed user, topic or mode.
create or replace function tidings.set_topic_preference(user_id text, topic text, mode text)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tidings.is_id(user_id) is not true then
        raise exception 'expected user_id to be 1 to 128 of A-Z a-z 0-9 _ . @ | : + -, got %', coalesce(quote_literal(user_id), 'null')
            using errcode = '22023';
    end if;
    if tidings.is_topic(topic) is not true or topic like 'tidings:%' then
        raise exception 'expected topic to be <kind>:<id> of a kind other than tidings, got %', coalesce(quote_literal(topic), 'null')
            using errcode = '22023';
    end if;
    if mode not in ('mute', 'watch') then
        raise exception 'expected mode to be mute, watch or null, got %', quote_literal(mode) using errcode = '22023';
    end if;
    if mode is null then
        delete from tidings.topic_preference p where p.user_id = set_topic_preference.user_id and p.topic = set_topic_preference.topic;
    else
        insert into tidings.topic_preference as p (user_id, topic, mode)
        values (set_topic_preference.user_id, set_topic_preference.topic, set_topic_preference.mode)
        on conflict on constraint topic_preference_pkey do update set mode = excluded.mode;
    end if;
end;
$$;
revoke all on function tidings.set_topic_preference(text, text, text) from public;
grant execute on function tidings.set_topic_preference(text, text, text) to tidings_server, tidings_dba;
