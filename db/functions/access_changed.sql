-- Says that what a user may read has changed: for one topic, or for all of them. Call it in the transaction of the change
-- and before the change's visible event; every server asks `can_read` again when it meets the row in the stream.
--
-- Errors: 22023 for a malformed user or topic.
create or replace function tidings.access_changed(user_id text, topic text default null)
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
    if not tidings.is_topic(topic) then
        raise exception 'expected topic to be <kind>:<id> or null, got %', quote_literal(topic)
            using errcode = '22023';
    end if;
    perform tidings.append_reserved('tidings:access', 'tidings.access', jsonb_build_object('user', user_id, 'topic', topic));
end;
$$;
revoke all on function tidings.access_changed(text, text) from public;
grant execute on function tidings.access_changed(text, text) to tidings_dba, tidings_server;
