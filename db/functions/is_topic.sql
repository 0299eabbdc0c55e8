-- Whether a text is a well-formed topic; null for null.
create or replace function tidings.is_topic(topic text)
    returns boolean
    language sql
    immutable
    parallel safe
return topic ~ '^[a-z][a-z0-9_]*:[A-Za-z0-9_.@|:+-]+$'
    and strpos(topic, ':') <= 33
    and octet_length(topic) - strpos(topic, ':') <= 128;
