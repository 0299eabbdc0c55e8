-- All that the mails of these digests say, one row each, as they are to be now: what was read, archived or snoozed meanwhile, is no longer
-- wanted or may no longer be read is left out. `skip` says why nothing is to be sent. Entries are rows of one group, newest first, by
-- topic; at most max_entries, the rest is counted in `more`.
--
-- content: {digestId, key, kind, period, to: {userId, email, name, locale, timeZone}, count, summary: [{type, count, text}],
-- groups: [{topic, title, entries: [{id, type, title, body, url, count, actors, at, critical}], more}]}
--
-- Runs as the caller, who needs a right on the view given to `people`, and on the kinds' functions.
create or replace function tidings.digest_mails(
    ids bigint[],
    time_zone text default 'UTC',
    max_entries integer default 30,
    moment timestamptz default clock_timestamp()
)
    returns table (id bigint, skip text, content jsonb)
    language plpgsql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set jit = off
as $$
declare
    v_people jsonb;
    v_told uuid[];
    v_titles jsonb;
begin
    with wanted as materialized (
        select n.id, n.user_id, coalesce(n.topic, 'user:' || n.user_id) as topic
        from tidings.notification n
        cross join lateral tidings.channels_of(n.user_id, n.type, n.topic) c
        where n.digest_id = any (digest_mails.ids)
            and n.read_at is null
            and n.archived_at is null
            and (n.snoozed_until is null or n.snoozed_until <= digest_mails.moment)
            and c.email is distinct from 'off'
    ), asked as (
        select array_agg(d.user_id) as users, array_agg(d.topic) as topics
        from (select distinct w.user_id, w.topic from wanted w) d
        having count(*) > 0
    )
    select coalesce(array_agg(w.id), '{}') into v_told
    from asked a
    cross join lateral unnest(a.users, a.topics, tidings.may_read(a.users, a.topics)) m (user_id, topic, allowed)
    join wanted w on w.user_id = m.user_id and w.topic = m.topic
    where m.allowed;
    -- A name is in every entry of whoever bears it: what nobody would show is not carried along.
    select coalesce(
            jsonb_object_agg(p.id, to_jsonb(p) || jsonb_build_object('name', left(p.name, 500), 'locale', left(p.locale, 100))), '{}'
        )
        into v_people
    from tidings.people_of(array(
        select d.user_id from tidings.digest d where d.id = any (digest_mails.ids)
        union
        select n.actor_id from tidings.notification n where n.id = any (v_told) and n.actor_id is not null
    )) p;
    select coalesce(jsonb_object_agg(t.topic, t.title), '{}') into v_titles
    from (select array_agg(distinct n.topic) as topics from tidings.notification n where n.id = any (v_told) and n.topic is not null) a
    cross join lateral unnest(a.topics, tidings.titles_of(a.topics)) t (topic, title)
    where a.topics is not null;
    return query
    with told as (
        select
            n.*,
            coalesce(n.group_key, n.id::text) as thread,
            v_people -> n.user_id ->> 'locale' as locale
        from tidings.notification n
        where n.id = any (v_told)
    ), entry as (
        select
            f.digest_id, f.topic, f.at, f.count, f.place,
            -- What is not shown is not worded.
            case when f.place <= max_entries then jsonb_build_object(
                'id', f.id,
                'type', f.type,
                'title', coalesce(tidings.fill_template(f.template ->> 'title', f.payload, f.actor), f.type),
                'body', tidings.fill_template(f.template ->> 'body', f.payload, f.actor),
                'url', tidings.fill_template(f.template ->> 'url', f.payload, f.actor, is_url => true),
                'count', f.count,
                'actors', f.actors,
                'at', tidings.iso(f.at),
                'critical', f.critical
            ) end as entry
        from (
            select
                l.id, l.digest_id, l.topic, l.type, l.payload, l.created_at as at, l.count, a.actors,
                coalesce(v_people -> l.actor_id ->> 'name', tidings.someone(l.locale)) as actor,
                tidings.template_of(k.templates, l.locale) as template,
                coalesce(k.critical, false) as critical,
                row_number() over (
                    partition by l.digest_id order by coalesce(k.critical, false) desc, l.created_at desc, l.id desc
                ) as place
            from (
                -- In one pass, as no plan knows how many rows there will be: joined to themselves, they would be read once each.
                select distinct on (t.digest_id, t.topic, t.thread)
                    t.*,
                    (count(*) over thread)::integer as count,
                    array_agg(v_people -> t.actor_id ->> 'name') over thread as names
                from told t
                window thread as (
                    partition by t.digest_id, t.topic, t.thread order by t.created_at desc, t.id desc
                    rows between unbounded preceding and unbounded following
                )
                order by t.digest_id, t.topic, t.thread, t.created_at desc, t.id desc
            ) l
            left join tidings.notification_types k on k.type = l.type
            cross join lateral (
                select coalesce(jsonb_agg(w.name order by w.place), '[]') as actors
                from (
                    select n.name, min(n.place) as place
                    from unnest(l.names) with ordinality n (name, place)
                    where n.name is not null
                    group by n.name
                ) w
            ) a
        ) f
    ), topics as (
        select
            e.digest_id, max(e.at) as at, sum(e.count)::integer as count,
            jsonb_build_object(
                'topic', e.topic,
                'title', v_titles ->> e.topic,
                'entries', coalesce(jsonb_agg(e.entry order by e.place) filter (where e.place <= max_entries), '[]'),
                'more', count(*) filter (where e.place > max_entries)
            ) as topic_group
        from entry e
        group by e.digest_id, e.topic
    ), summary as (
        select c.digest_id, jsonb_agg(c.line order by c.count desc, c.type) as lines
        from (
            select
                t.digest_id, t.type, count(*) as count,
                jsonb_build_object(
                    'type', t.type,
                    'count', count(*),
                    'text', tidings.summary_of(tidings.template_of(min(k.templates::text)::jsonb, min(t.locale)) ->> 'summary', t.type, count(*))
                ) as line
            from told t
            left join tidings.notification_types k on k.type = t.type
            group by t.digest_id, t.type
        ) c
        group by c.digest_id
    )
    select
        d.id,
        case
            when g.count is null then 'nothing left to tell'
            when p.person ->> 'email' is null then 'no address'
            when s.address is not null then 'suppressed: ' || s.reason
        end,
        jsonb_build_object(
            'digestId', d.id::text,
            'key', d.user_id || ':' || d.kind || ':' || d.period,
            'kind', d.kind,
            'period', d.period,
            'to', jsonb_build_object(
                'userId', d.user_id,
                'email', p.person ->> 'email',
                'name', p.person ->> 'name',
                'locale', p.person ->> 'locale',
                'timeZone', coalesce(
                    h.time_zone,
                    case when tidings.is_time_zone(p.person ->> 'time_zone') then p.person ->> 'time_zone' end,
                    digest_mails.time_zone
                )
            ),
            'count', coalesce(g.count, 0),
            'summary', coalesce(m.lines, '[]'),
            'groups', coalesce(g.groups, '[]')
        )
    from tidings.digest d
    cross join lateral (select v_people -> d.user_id as person) p
    left join tidings.suppression s on s.address = lower(p.person ->> 'email')
    left join tidings.schedule h on h.user_id = d.user_id
    left join summary m on m.digest_id = d.id
    left join (
        select t.digest_id, sum(t.count)::integer as count, jsonb_agg(t.topic_group order by t.at desc) as groups
        from topics t
        group by t.digest_id
    ) g on g.digest_id = d.id
    where d.id = any (digest_mails.ids)
    order by d.id;
end;
$$;
revoke all on function tidings.digest_mails(bigint[], text, integer, timestamptz) from public;
grant execute on function tidings.digest_mails(bigint[], text, integer, timestamptz) to tidings_server;
