-- What a user has chosen, as REST shows it: `{preferences: {type: {channel: value}}, timeZone, digestHour, digestWeekday,
-- quietHours: {from, to}, mutedTopics, watchedTopics, types: [{type, critical}]}`.
create or replace function tidings.preferences_of(user_id text)
    returns jsonb
    language sql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
as $$
    select jsonb_build_object(
        'preferences', coalesce((
            select jsonb_object_agg(t.type, t.channels)
            from (
                select p.type, jsonb_object_agg(p.channel, p.value) as channels
                from tidings.preference p
                where p.user_id = preferences_of.user_id
                group by p.type
            ) t
        ), '{}'),
        'timeZone', s.time_zone,
        'digestHour', s.digest_hour,
        'digestWeekday', s.digest_weekday,
        'quietHours', case when s.quiet_from is not null then
            jsonb_build_object('from', to_char(s.quiet_from, 'HH24:MI'), 'to', to_char(s.quiet_to, 'HH24:MI')) end,
        'mutedTopics', array(
            select p.topic from tidings.topic_preference p where p.user_id = preferences_of.user_id and p.mode = 'mute' order by 1
        ),
        'watchedTopics', array(
            select p.topic from tidings.topic_preference p where p.user_id = preferences_of.user_id and p.mode = 'watch' order by 1
        ),
        'types', coalesce((
            select jsonb_agg(jsonb_build_object('type', t.type, 'critical', t.critical) order by t.type) from tidings.notification_types t
        ), '[]')
    )
    from (select) one
    left join tidings.schedule s on s.user_id = preferences_of.user_id;
$$;
revoke all on function tidings.preferences_of(text) from public;
grant execute on function tidings.preferences_of(text) to tidings_server, tidings_dba;
