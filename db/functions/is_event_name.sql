-- Whether a text may name an event of users: task.created, sprint.closed; null for null.
create or replace function tidings.is_event_name(event text)
    returns boolean
    language sql
    immutable
    parallel safe
return event ~ '^[a-z][a-z0-9_.-]*$' and octet_length(event) <= 128 and event not like 'tidings.%';
