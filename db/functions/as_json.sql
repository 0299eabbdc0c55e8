-- A column's value as `data` carries it: 64-bit and numeric values as strings (JavaScript's numbers lose digits), times
-- in ISO 8601 UTC, anything over 8 kB as {"truncated": true, "bytes": n}. Chosen by the column's type when tracked.
create or replace function tidings.as_json(value bigint)
    returns jsonb
    language sql
    stable
    parallel safe
as $$
    select to_jsonb(value::text);
$$;

create or replace function tidings.as_json(value numeric)
    returns jsonb
    language sql
    stable
    parallel safe
as $$
    select to_jsonb(value::text);
$$;

create or replace function tidings.as_json(value timestamptz)
    returns jsonb
    language sql
    stable
    parallel safe
as $$
    select to_jsonb(tidings.iso(value));
$$;

create or replace function tidings.as_json(value text)
    returns jsonb
    language sql
    stable
    parallel safe
as $$
    select case
    when octet_length(value) > 8192 then jsonb_build_object('truncated', true, 'bytes', octet_length(value))
    else to_jsonb(value)
end;
$$;

create or replace function tidings.as_json(value jsonb)
    returns jsonb
    language sql
    stable
    parallel safe
as $$
    select case
    when pg_column_size(value) <= 4096 then value
    when jsonb_typeof(value) = 'string' then tidings.as_json(value #>> '{}')
    when octet_length(value::text) > 8192
        then jsonb_build_object('truncated', true, 'bytes', octet_length(value::text))
    else value
end;
$$;

create or replace function tidings.as_json(value timestamptz[])
    returns jsonb
    language sql
    stable
    parallel safe
as $$
    select case
    when array_ndims(value) > 1 then tidings.as_json(to_jsonb(value))
    when value is not null then (
        select tidings.as_json(coalesce(jsonb_agg(tidings.iso(u.moment) order by u.n), '[]'))
        from unnest(value) with ordinality u (moment, n)
    )
end;
$$;
