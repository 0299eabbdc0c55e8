-- How far the stream was when the owner of a topic `user:<id>` was last forgotten; null: never. Kept under a pseudonym, in
-- tidings.kind_floor: the numbers of that topic begin anew, so positions of before must be void.
create or replace function tidings.forgotten_at(topic text)
    returns bigint
    language sql
    stable
    parallel safe
    security definer
    set search_path = pg_catalog, pg_temp
as $$
    select f.gseq from tidings.kind_floor f where f.kind = '#' || tidings.pseudonym(substr(forgotten_at.topic, 6));
$$;
revoke all on function tidings.forgotten_at(text) from public;
grant execute on function tidings.forgotten_at(text) to tidings_server, tidings_reader, tidings_dba;
