-- Says that what a user may read has changed: for one topic, or for all of them. Call it in the transaction of the change;
-- every server asks `can_read` again when it meets the row in the stream, which is before any event of that transaction
-- and of those that end after it. `reason` is what a reader is told who may no longer read: `revoked`, or `deleted` where
-- there is nothing left to read.
--
-- The row carries a snapshot: order_access() tells by it which events had been committed before.
--
-- Errors: 22023 for a malformed user or topic, or another reason.
create or replace function tidings.access_changed(user_id text, topic text default null, reason text default 'revoked')
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
    if reason is null or reason not in ('revoked', 'deleted') then
        raise exception 'expected reason to be revoked or deleted, got %', coalesce(quote_literal(reason), 'null')
            using errcode = '22023';
    end if;
    perform tidings.append_reserved(
        'tidings:access',
        'tidings.access',
        jsonb_build_object('user', user_id, 'topic', topic, 'reason', reason, 'snapshot', pg_current_snapshot()::text)
    );
end;
$$;
revoke all on function tidings.access_changed(text, text, text) from public;
grant execute on function tidings.access_changed(text, text, text) to tidings_dba, tidings_server;
