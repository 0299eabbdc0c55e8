-- The SQL that turns column `name` of type `type` in the plpgsql variable `record` into the JSON of `data`: 64-bit and
-- numeric values as strings, times in UTC, and a check of length only where a value can be long.
create or replace function tidings.json_of_column(record text, name text, type oid)
    returns text
    language sql
    stable
    set search_path = pg_catalog, pg_temp
as $$
    select case
        when b.base in ('bool'::regtype, 'int2'::regtype, 'int4'::regtype, 'float4'::regtype, 'float8'::regtype,
            'uuid'::regtype, 'date'::regtype, 'time'::regtype, 'timestamp'::regtype) then format('to_jsonb(%s)', c.ref)
        when b.base in ('int8'::regtype, 'numeric'::regtype, 'money'::regtype, 'oid'::regtype, 'xid8'::regtype)
            then format('to_jsonb(%s::text)', c.ref)
        when b.base = 'timestamptz'::regtype then format('to_jsonb(tidings.iso(%s))', c.ref)
        when b.base = 'timestamptz[]'::regtype then format('tidings.as_json(%s)', c.ref)
        when b.base in ('int8[]'::regtype, 'numeric[]'::regtype)
            then format('tidings.as_json(to_jsonb(%s::text[]))', c.ref)
        when b.base = 'bytea'::regtype then format(
            'case when octet_length(%1$s) > 4096 then jsonb_build_object(''truncated'', true, ''bytes'', octet_length(%1$s)) else to_jsonb(chr(92) || ''x'' || encode(%1$s, ''hex'')) end',
            c.ref
        )
        when b.base in ('json'::regtype, 'jsonb'::regtype) then format('tidings.as_json(%s::jsonb)', c.ref)
        when b.category in ('S', 'E') then format('tidings.as_json(%s::text)', c.ref)
        else format('tidings.as_json(to_jsonb(%s))', c.ref)
    end
    from (select record || '.' || tidings.quote_name(name) as ref) c
    cross join lateral (
        -- A domain may be over a domain.
        with recursive layer as (
            select t.* from pg_catalog.pg_type t where t.oid = json_of_column.type
            union all
            select t.* from layer l join pg_catalog.pg_type t on t.oid = l.typbasetype
        )
        select l.typcategory as category, l.oid as base
        from layer l
        where l.typbasetype = 0
    ) b;
$$;
