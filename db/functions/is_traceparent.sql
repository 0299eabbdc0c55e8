-- Whether a text is a W3C traceparent of version 00; null for null.
create or replace function tidings.is_traceparent(trace text)
    returns boolean
    language sql
    immutable
    parallel safe
return trace ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$';
