-- Whether a text may be carried as a request id; null for null.
create or replace function tidings.is_request_id(id text)
    returns boolean
    language sql
    immutable
    parallel safe
return id ~ '^[!-~]+$' and octet_length(id) <= 128;
