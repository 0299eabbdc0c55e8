-- A page of a user's inbox, newest first, rows of one group and state as one. Archived and snoozed ones are a list of their own
-- each, and are left out unless asked for. before_at and before_id: the last row of the page before.
--
-- Planned anew each time: each combination is served by an index of its own.
create or replace function tidings.list_notifications(
    user_id text,
    unread_only boolean default false,
    type text default null,
    archived boolean default false,
    snoozed boolean default false,
    max_rows integer default 20,
    before_at timestamptz default null,
    before_id uuid default null
)
    returns table (id uuid, created_at timestamptz, notification jsonb)
    language plpgsql
    stable
    security invoker
    set search_path = pg_catalog, pg_temp
    set jit = off
as $$
declare
    v_page uuid[];
begin
    execute format(
        $query$
        select array(
            select n.id
            from tidings.notification n
            where n.user_id = $1 and n.in_app and %1$s
                and not exists (
                    select
                    from tidings.notification m
                    where m.user_id = n.user_id and m.group_key = n.group_key and m.in_app
                        and (m.created_at, m.id) > (n.created_at, n.id)
                        and m.read_at is not distinct from n.read_at
                        and %2$s
                )
            order by n.created_at desc, n.id desc
            limit $2
        )$query$,
        concat_ws(' and ',
            case when archived then 'n.archived_at is not null' else 'n.archived_at is null' end,
            case when snoozed then 'n.snoozed_until > now()' else '(n.snoozed_until is null or n.snoozed_until <= now())' end,
            case when unread_only then 'n.read_at is null' end,
            case when type is not null then 'n.type = $3' end,
            case when before_at is not null then '(n.created_at, n.id) < ($4, $5)' end
        ),
        concat_ws(' and ',
            case when archived then 'm.archived_at is not null' else 'm.archived_at is null' end,
            case when snoozed then 'm.snoozed_until > now()' else '(m.snoozed_until is null or m.snoozed_until <= now())' end
        )
    )
    into v_page
    using user_id, max_rows, type, before_at, before_id;
    return query
    select n.id, n.created_at, j.notification
    from unnest(v_page) with ordinality p (id, place)
    join tidings.notification n on n.id = p.id
    join tidings.notifications_json(v_page) j on j.id = p.id
    order by p.place;
end;
$$;
revoke all on function tidings.list_notifications(text, boolean, text, boolean, boolean, integer, timestamptz, uuid) from public;
grant execute on function tidings.list_notifications(text, boolean, text, boolean, boolean, integer, timestamptz, uuid) to tidings_server, tidings_dba;
