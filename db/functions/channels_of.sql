-- How a user is told a type of notification about a topic: whether the inbox shows it, and how it is mailed (null: as the
-- server's default says). The most specific choice wins: the type's own, then that for '*', then on. A muted topic turns
-- both off. A critical type ignores all of it.
--
-- Its body is parsed when it is made and so needs no search_path, which would keep the planner from inlining it: a rule may
-- tell thousands.
create or replace function tidings.channels_of(user_id text, type text, topic text)
    returns table (in_app boolean, email text)
    language sql
    stable
    rows 1
begin atomic
    select
        k.critical or not m.muted and coalesce(
            (
                select p.value from tidings.preference p
                where p.user_id = channels_of.user_id and p.type in (channels_of.type, '*') and p.channel = 'inApp'
                order by p.type = '*'
                limit 1
            ),
            'instant'
        ) <> 'off',
        case
            when k.critical then 'instant'
            when m.muted then 'off'
            else (
                select p.value from tidings.preference p
                where p.user_id = channels_of.user_id and p.type in (channels_of.type, '*') and p.channel = 'email'
                order by p.type = '*'
                limit 1
            )
        end
    from (
        select coalesce((select t.critical from tidings.notification_types t where t.type = channels_of.type), false) as critical
    ) k
    cross join (
        select exists (
            select from tidings.topic_preference p
            where p.user_id = channels_of.user_id and p.topic = channels_of.topic and p.mode = 'mute'
        ) as muted
    ) m;
end;
revoke all on function tidings.channels_of(text, text, text) from public;
grant execute on function tidings.channels_of(text, text, text) to tidings_server;
