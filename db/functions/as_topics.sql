-- What a topic expression may yield, made one type: no topic, one, or several. Chosen by the expression's own type.
create or replace function tidings.as_topics(topic text)
    returns text[]
    language sql
    immutable
    parallel safe
return case when topic is not null then array[topic] end;

create or replace function tidings.as_topics(topics text[])
    returns text[]
    language sql
    immutable
    parallel safe
return array_remove(topics, null);
