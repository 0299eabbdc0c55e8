-- A column's name as the wire spells it: due_at becomes dueAt. Leading underscores stay.
create or replace function tidings.camel_case(name text)
    returns text
    language sql
    immutable
    parallel safe
return (
    select substring(name from '^_*') || string_agg(
        case when p.n = 1 then p.part else upper(left(p.part, 1)) || substr(p.part, 2) end,
        '' order by p.n
    )
    from regexp_split_to_table(ltrim(name, '_'), '_+') with ordinality p (part, n)
);
