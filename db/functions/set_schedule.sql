-- Says when a user may be mailed: IANA time zone, hour and weekday (1 Monday … 7 Sunday) of digests, quiet hours in local time.
-- What is null is as `people` and the server say. Replaces what was said before.
--
-- Errors: 22023 for a malformed user, an unknown time zone, an hour or weekday out of range, or quiet hours with one end.
create or replace function tidings.set_schedule(
    user_id text,
    time_zone text default null,
    digest_hour integer default null,
    digest_weekday integer default null,
    quiet_from time default null,
    quiet_to time default null
)
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
    if tidings.is_time_zone(time_zone) is false then
        raise exception 'expected time_zone to be an IANA name like Europe/Berlin, got %', quote_literal(time_zone) using errcode = '22023';
    end if;
    if digest_hour not between 0 and 23 then
        raise exception 'expected digest_hour to be 0 to 23, got %', digest_hour using errcode = '22023';
    end if;
    if digest_weekday not between 1 and 7 then
        raise exception 'expected digest_weekday to be 1 to 7, got %', digest_weekday using errcode = '22023';
    end if;
    if (quiet_from is null) <> (quiet_to is null) or quiet_from = quiet_to then
        raise exception 'expected quiet hours to have two different ends, got % and %', coalesce(quiet_from::text, 'null'), coalesce(quiet_to::text, 'null')
            using errcode = '22023';
    end if;
    insert into tidings.schedule as s (user_id, time_zone, digest_hour, digest_weekday, quiet_from, quiet_to)
    values (
        set_schedule.user_id, set_schedule.time_zone, set_schedule.digest_hour, set_schedule.digest_weekday,
        set_schedule.quiet_from, set_schedule.quiet_to
    )
    on conflict on constraint schedule_pkey do update
        set time_zone = excluded.time_zone, digest_hour = excluded.digest_hour, digest_weekday = excluded.digest_weekday,
            quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to;
end;
$$;
revoke all on function tidings.set_schedule(text, text, integer, integer, time, time) from public;
grant execute on function tidings.set_schedule(text, text, integer, integer, time, time) to tidings_server, tidings_dba;
