-- What is wrong, a row each: none if all is well. severity is `error` (something is not done that should be) or `warning` (somebody
-- should know). Changes nothing; `tidings doctor` prints it.
create or replace function tidings.diagnose(moment timestamptz default clock_timestamp())
    returns table (severity text, area text, finding text, hint text)
    language sql
    stable
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select
        'error', 'mail',
        format('%s %s due for over 15 minutes, the first since %s', count(*), case count(*) when 1 then 'mail is' else 'mails are' end, tidings.iso(min(d.next_at))),
        'No worker seems to run: set SMTP_URL where `tidings serve` or `tidings worker` runs.'
    from tidings.digest d
    where d.state = 'claimed' and d.next_at < diagnose.moment - interval '15 min'
    having count(*) > 0
    union all
    select
        'warning', 'mail',
        format('%s %s handed over without an answer since %s', count(*), case count(*) when 1 then 'mail was' else 'mails were' end, tidings.iso(min(d.ended_at))),
        'They may have arrived or not, and are not sent again: select * from tidings.digest where state = ''unknown''.'
    from tidings.digest d
    where d.state = 'unknown'
    having count(*) > 0
    union all
    select
        'warning', 'mail',
        format('%s %s failed in the last 7 days: %s', count(*), case count(*) when 1 then 'mail' else 'mails' end, (array_agg(d.reason order by d.ended_at desc))[1]),
        'select * from tidings.digest where state = ''failed''.'
    from tidings.digest d
    where d.state = 'failed' and d.ended_at > diagnose.moment - interval '7 days'
    having count(*) > 0
    union all
    select
        'warning', 'mail',
        format('%s %s not sent in the last 7 days as no address is known of %s', count(*),
            case count(*) when 1 then 'mail was' else 'mails were' end, case count(distinct d.user_id) when 1 then 'one person' else count(distinct d.user_id) || ' people' end),
        'select tidings.people(''…'') names the view that has them; the server''s role needs select on it.'
    from tidings.digest d
    where d.state = 'skipped' and d.reason = 'no address' and d.ended_at > diagnose.moment - interval '7 days'
    having count(*) > 0;
$$;
revoke all on function tidings.diagnose(timestamptz) from public;
grant execute on function tidings.diagnose(timestamptz) to tidings_server, tidings_dba;
