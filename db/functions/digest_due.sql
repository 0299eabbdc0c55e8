-- The end of the last period of a kind at a moment, and the period's name: what was told before the end goes into its mail.
-- A day ends at an hour of local time, a week at that hour of a weekday (1 Monday … 7 Sunday); on the nights on which the clocks
-- change each still ends once: at the second of two such hours, and if there is none, as much later as the clocks jump. An hour
-- ends when the local clock shows a full hour, and is named in UTC, as one may come twice.
create or replace function tidings.digest_due(
    kind text,
    moment timestamptz,
    time_zone text,
    digest_hour integer,
    digest_weekday integer,
    out due_at timestamptz,
    out period text
)
    language plpgsql
    stable
    set search_path = pg_catalog, pg_temp
as $$
declare
    v_local timestamp := moment at time zone time_zone;
    v_day date := v_local::date;
begin
    if kind = 'hourly' then
        due_at := moment - (v_local - date_trunc('hour', v_local));
        -- Where clocks change by half an hour, that may have been no full hour: the last one was before the change.
        v_local := due_at at time zone time_zone;
        due_at := due_at - (v_local - date_trunc('hour', v_local));
        period := to_char(due_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"');
        return;
    end if;
    if kind = 'weekly' then
        v_day := v_day - (extract(isodow from v_day)::integer - digest_weekday + 7) % 7;
    end if;
    due_at := (v_day + make_time(digest_hour, 0, 0)) at time zone time_zone;
    if due_at > moment then
        v_day := v_day - case when kind = 'weekly' then 7 else 1 end;
        due_at := (v_day + make_time(digest_hour, 0, 0)) at time zone time_zone;
    end if;
    period := v_day::text;
end;
$$;
revoke all on function tidings.digest_due(text, timestamptz, text, integer, integer) from public;
grant execute on function tidings.digest_due(text, timestamptz, text, integer, integer) to tidings_server, tidings_dba;
