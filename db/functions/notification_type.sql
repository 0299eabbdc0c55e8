-- Declares a type of notification and how it is told: `title`, `body` and `url` are templates in which {key} stands for that
-- field of the payload and {actor} for the name of whoever did it; in a url, percent-encoded. With a `locale`, only the
-- templates of that locale are set. `summary` says in a mail how many there are: '{count} comment|{count} comments'. Called
-- again it replaces. A `critical` type ignores preferences (null: as it was, at first false).
--
-- Errors: 22023 for a malformed type or locale, or when no title is given.
create or replace function tidings.notification_type(
    type text,
    title text,
    body text default null,
    url text default null,
    locale text default null,
    critical boolean default null,
    summary text default null
)
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tidings.is_event_name(type) is not true then
        raise exception 'expected type to be a name like task.assigned, got %', coalesce(quote_literal(type), 'null')
            using errcode = '22023', hint = '1 to 128 of a-z 0-9 _ . -, a letter first, not beginning with tidings.';
    end if;
    if title is null then
        raise exception 'expected title to be a template such as {actor} assigned you {title}, got null' using errcode = '22023';
    end if;
    if locale !~ '^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*$' then
        raise exception 'expected locale to be like de or pt-BR, got %', quote_literal(locale) using errcode = '22023';
    end if;
    insert into tidings.notification_types as t (type, templates, critical)
    values (
        notification_type.type,
        jsonb_build_object(
            coalesce(lower(replace(locale, '_', '-')), ''),
            jsonb_strip_nulls(jsonb_build_object('title', title, 'body', body, 'url', url, 'summary', summary))
        ),
        coalesce(notification_type.critical, false)
    )
    on conflict on constraint notification_types_pkey do update
        set templates = t.templates || excluded.templates,
            critical = coalesce(notification_type.critical, t.critical);
end;
$$;
revoke all on function tidings.notification_type(text, text, text, text, text, boolean, text) from public;
grant execute on function tidings.notification_type(text, text, text, text, text, boolean, text) to tidings_dba;
