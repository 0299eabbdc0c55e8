-- The rows that the inbox shows as one with a notification, itself among them: those of its group that are in the same state.
-- Its body is parsed when it is made and so needs no search_path, which would keep the planner from inlining it.
create or replace function tidings.fold_of(head tidings.notification)
    returns setof tidings.notification
    language sql
    stable
begin atomic
    select n.* from tidings.notification n where n.id = head.id and head.group_key is null
    union all
    select n.*
    from tidings.notification n
    where n.user_id = head.user_id
        and n.group_key = head.group_key
        and n.in_app
        and (n.created_at, n.id) <= (head.created_at, head.id)
        and n.read_at is not distinct from head.read_at
        and (n.archived_at is null) = (head.archived_at is null)
        and coalesce(n.snoozed_until > now(), false) = coalesce(head.snoozed_until > now(), false);
end;
revoke all on function tidings.fold_of(tidings.notification) from public;
grant execute on function tidings.fold_of(tidings.notification) to tidings_server;
