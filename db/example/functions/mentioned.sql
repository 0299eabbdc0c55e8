-- The users whose @handle stands in a text, whoever they are: the engine tells only those who may read what it is about.
create or replace function app.mentioned(body text)
    returns uuid[]
    language sql
    stable
    parallel safe
    set search_path = pg_catalog, pg_temp
as $$
    select coalesce(array_agg(u.id), '{}')
    from app.users u
    where strpos(body, '@') > 0
        and u.handle in (
            -- Not in the middle of a word: an e-mail address mentions nobody.
            select lower(m.found[1]) from regexp_matches(body, '(?<![A-Za-z0-9_.@])@([A-Za-z0-9_]{2,32})(?![A-Za-z0-9_])', 'g') m (found)
        );
$$;
revoke all on function app.mentioned(text) from public;
