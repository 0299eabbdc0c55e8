-- Tells a user's sockets that entries of the inbox changed: `notification.updated` on their topic, one per id; null stands for
-- many. Called by the functions that change them.
create or replace function tidings.notification_changed(user_id text, ids uuid[], event text default 'notification.updated')
    returns void
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
as $$
begin
    if cardinality(ids) > 0 then
        perform tidings.append(
            array_fill('user:' || user_id, array[cardinality(ids)]),
            array_fill(event, array[cardinality(ids)]),
            array(select jsonb_build_object('id', u.id) from unnest(ids) with ordinality u (id, n) order by u.n)
        );
    end if;
end;
$$;
revoke all on function tidings.notification_changed(text, uuid[], text) from public;
