-- Sets how a user is told a type ('*': any without a choice of its own) on a channel; null takes the choice back.
--
-- Errors: 22023 for a malformed user, type, channel or value.
create or replace function tidings.set_preference(user_id text, type text, channel text, value text)
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
    if type is distinct from '*' and tidings.is_event_name(type) is not true then
        raise exception 'expected type to be * or a name like task.assigned, got %', coalesce(quote_literal(type), 'null') using errcode = '22023';
    end if;
    if channel is null or channel not in ('inApp', 'email') then
        raise exception 'expected channel to be inApp or email, got %', coalesce(quote_literal(channel), 'null') using errcode = '22023';
    end if;
    if channel = 'inApp' and value not in ('off', 'instant') or value not in ('off', 'instant', 'hourly', 'daily', 'weekly') then
        raise exception 'expected % to be %, got %', channel,
            case channel when 'inApp' then 'off or instant' else 'off, instant, hourly, daily or weekly' end, quote_literal(value)
            using errcode = '22023';
    end if;
    if value is null then
        delete from tidings.preference p
        where p.user_id = set_preference.user_id and p.type = set_preference.type and p.channel = set_preference.channel;
    else
        insert into tidings.preference as p (user_id, type, channel, value)
        values (set_preference.user_id, set_preference.type, set_preference.channel, set_preference.value)
        on conflict on constraint preference_pkey do update set value = excluded.value;
    end if;
end;
$$;
revoke all on function tidings.set_preference(text, text, text, text) from public;
grant execute on function tidings.set_preference(text, text, text, text) to tidings_server, tidings_dba;
