-- Replaces every value over 8 kB at the top of `data`, and in its `changes`, by {"truncated": true, "bytes": n}.
create or replace function tidings.shorten(data jsonb)
    returns jsonb
    language sql
    stable
    parallel safe
as $$
    select case
    when jsonb_typeof(data) <> 'object' then tidings.as_json(data)
    else (
        select coalesce(jsonb_object_agg(
            f.key,
            case
                when f.key = 'changes' and jsonb_typeof(f.value) = 'object' then (
                    select coalesce(jsonb_object_agg(c.key, tidings.as_json(c.value)), '{}')
                    from jsonb_each(f.value) c
                )
                else tidings.as_json(f.value)
            end
        ), '{}')
        from jsonb_each(data) f
    )
end;
$$;
