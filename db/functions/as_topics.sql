-- What a topic expression may yield, made one type: no topic, one, or several. Chosen by the expression's own type.
create or replace function tidings.as_topics(topic text)
    returns text[]
    language sql
    immutable
    parallel safe
return case when topic is not null then array[topic] end;

-- Topics without nulls and each once, in the order given: an event is told once on a topic, however often that is named.
create or replace function tidings.distinct_topics(topics text[])
    returns text[]
    language sql
    immutable
    parallel safe
return (
    select coalesce(array_agg(u.topic order by u.n), '{}')
    from (
        select t.topic, min(t.n) as n
        from unnest(topics) with ordinality t (topic, n)
        where t.topic is not null
        group by t.topic
    ) u
);

create or replace function tidings.as_topics(topics text[])
    returns text[]
    language sql
    immutable
    parallel safe
return case when cardinality(topics) < 2 then array_remove(topics, null) else tidings.distinct_topics(topics) end;
