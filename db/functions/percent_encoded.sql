-- A text as it stands in a part of an address (RFC 3986): every byte that is not unreserved as %XX.
create or replace function tidings.percent_encoded(value text)
    returns text
    language sql
    immutable
    parallel safe
    set search_path = pg_catalog, pg_temp
return (
    select string_agg(
        case when c.piece ~ '^[A-Za-z0-9_.~-]$' then c.piece
            else regexp_replace(upper(encode(convert_to(c.piece, 'UTF8'), 'hex')), '(..)', '%\1', 'g') end,
        '' order by c.n
    )
    from regexp_split_to_table(value, '') with ordinality c (piece, n)
);
