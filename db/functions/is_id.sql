-- Whether a text is the id of a user or a row as the engine takes it; null for null.
create or replace function tidings.is_id(id text)
    returns boolean
    language sql
    immutable
    parallel safe
return id ~ '^[A-Za-z0-9_.@|:+-]+$' and octet_length(id) <= 128;
