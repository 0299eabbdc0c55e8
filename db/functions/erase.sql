-- The work of tidings.forget, which says what becomes of what. Owned by the engine, who alone may change the log.
--
-- The log is read whole, twice: all of it while others write and number, then, with numbering stopped, what was committed
-- meanwhile (by transaction id, from an index). So the stop is short, and no row of theirs is numbered under their name after.
--
-- Locks: the chores forget (one at a time: two would wait for each other's rows) and heads (flush_heads would write their topic
-- again), before any other; rows of the inbox in the order in which all take them; the runner's.
create or replace function tidings.erase(user_id text, names text[])
    returns jsonb
    language plpgsql
    volatile
    security definer
    set search_path = pg_catalog, pg_temp
    set jit = off
as $$
declare
    v_own constant text := 'user:' || user_id;
    v_alias constant text := 'user:forgotten.' || gen_random_uuid();
    -- What may stand in JSON outside of texts is no word: to replace it there would break it.
    c_plain constant text := '^[][{} ,:]*(?:(?:true|false|null|-?[0-9.]+)(?:[][{} ,:]+|$))*$';
    v_is_no_word constant boolean := user_id ~ c_plain or char_length(user_id) = 1;
    v_words constant text[] := array(
        select w from unnest(user_id || names) w where char_length(w) > 1 and w !~ c_plain order by char_length(w) desc
    );
    -- As they stand inside of JSON.
    v_quoted constant text[] := array(
        select substr(to_json(w)::text, 2, char_length(to_json(w)::text) - 2) from unnest(v_words) with ordinality u (w, n) order by n
    );
    -- Every character of them literally.
    v_literal constant text := (
        select '(?:' || string_agg(regexp_replace(w, '([^[:alnum:]])', '\\\1', 'g'), '|' order by n) || ')' from unnest(v_words) with ordinality u (w, n)
    );
    v_quoted_literal constant text := (
        select '(?:' || string_agg(regexp_replace(w, '([^[:alnum:]])', '\\\1', 'g'), '|' order by n) || ')' from unnest(v_quoted) with ordinality u (w, n)
    );
    -- Words of their own: in a text; in one inside of JSON, where a line's end is spelt with a letter; and all of such a text.
    v_pattern constant text := '(?<![[:alnum:]])' || v_literal || '(?![[:alnum:]])';
    v_parts constant text := '(^|[^[:alnum:]]|\\[bfnrt]|\\u[0-9a-f]{4})' || v_quoted_literal || '(?![[:alnum:]])';
    v_wholes constant text := '(?<!\\)"' || v_quoted_literal || '"(?!:)';
    v_id_literal constant text := regexp_replace(user_id, '([^[:alnum:]])', '\\\1', 'g');
    v_fields constant text := case when v_is_no_word and tidings.people_fields() <> '{}' then
        '("(?:' || array_to_string(tidings.people_fields(), '|') || ')": )(?:"' || v_id_literal || '"|' || v_id_literal || ')(?=[,}])'
    end;
    -- What is looked for first, because it is cheap: no row has the others that has none of these.
    v_likes constant text[] := array(select '%' || regexp_replace(q, '([\\%_])', '\\\1', 'g') || '%' from unnest(v_quoted) q)
        || case when v_is_no_word then array['%": "' || user_id || '"%', '%": ' || user_id || '%'] end;
    v_find constant text := nullif(concat_ws('|', v_parts, v_fields), '');
    v_row_events text[];
    v_row_keys text[];
    v_before pg_snapshot;
    v_events bigint := 0;
    v_notifications bigint;
    v_mentions bigint;
    v_choices bigint := 0;
    v_keys bigint := 0;
    v_count bigint;
    v_had_numbers boolean;
begin
    perform from tidings.chore c where c.name in ('forget', 'heads') order by c.name for update;
    select coalesce(array_agg(t.entity || '.' || o), '{}') into v_row_events
    from tidings.tracked t
    cross join unnest(array['created', 'updated', 'deleted']) o
    where t.table_name::oid = any (tidings.people_tables());
    select coalesce(array_agg(distinct tidings.camel_case(a.attname)), '{}') into v_row_keys
    from pg_index i
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indisprimary and i.indrelid = any (tidings.people_tables());

    for v_pass in 1..2 loop
        if v_pass = 1 then
            v_before := pg_current_snapshot();
        else
            lock table tidings.runner in exclusive mode;
        end if;
        execute format(
            $query$
            update tidings.event e
            set topic = case when e.topic = $1 then $2 else e.topic end,
                actor_id = nullif(e.actor_id, $3),
                data = tidings.erased_data(e.topic, e.event, e.data, $3, e.event = any ($4) and $3 in (select e.data ->> k from unnest($5) k), $9, $6, $7, $8),
                -- They lead to the logs of other systems, where the person may be found.
                request_id = case when e.actor_id is distinct from $3 and e.topic <> $1 then e.request_id end,
                traceparent = case when e.actor_id is distinct from $3 and e.topic <> $1 then e.traceparent end
            where (
                    e.topic = $1
                    or e.actor_id = $3
                    or e.data::text like any ($9) and (
                        e.topic like 'tidings:%%' and e.data ->> 'user' = $3
                        or e.topic not like 'tidings:%%' and (e.data::text ~ $10 or e.event = any ($4) and $3 in (select e.data ->> k from unnest($5) k))
                    )
                ) %s
            $query$,
            case when v_pass = 2 then 'and e.xid >= pg_snapshot_xmin($11) and not pg_visible_in_snapshot(e.xid, $11)' end
        )
        using v_own, v_alias, user_id, v_row_events, v_row_keys, v_wholes, v_parts, v_fields, v_likes, v_find, v_before;
        get diagnostics v_count = row_count;
        v_events := v_events + v_count;
        update tidings.stream s set topic = v_alias where s.topic = v_own;
        continue when v_pass = 2;

        delete from tidings.preference p where p.user_id = erase.user_id;
        get diagnostics v_count = row_count;
        v_choices := v_choices + v_count;
        delete from tidings.schedule s where s.user_id = erase.user_id;
        get diagnostics v_count = row_count;
        v_choices := v_choices + v_count;
        delete from tidings.topic_preference t where t.user_id = erase.user_id or t.topic = v_own;
        get diagnostics v_count = row_count;
        v_choices := v_choices + v_count;

        delete from tidings.idempotency i where i.user_id = erase.user_id;
        get diagnostics v_count = row_count;
        v_keys := v_keys + v_count;
        update tidings.idempotency i
        set answer = tidings.redact(i.answer, v_likes, v_wholes, v_parts, v_fields)
        where i.answer::text like any (v_likes) and i.answer::text ~ v_find;
        get diagnostics v_count = row_count;
        v_keys := v_keys + v_count;
        delete from tidings.dedupe d where d.key ~ v_pattern;
        get diagnostics v_count = row_count;
        v_keys := v_keys + v_count;

        -- A row that could not be captured may be theirs: what happened stays, the row does not.
        update tidings.capture_error c
        set sample = null,
            message = coalesce(regexp_replace(c.message, v_pattern, '…', 'g'), c.message),
            topics = array_replace(c.topics, v_own, v_alias)
        where c.sample::text like any (v_likes) or c.message ~ v_pattern or v_own = any (c.topics);

        perform from tidings.notification n where n.user_id = erase.user_id order by n.created_at, n.id for update;
        delete from tidings.notification n where n.user_id = erase.user_id;
        get diagnostics v_notifications = row_count;
        delete from tidings.digest d where d.user_id = erase.user_id;
        delete from tidings.suppression s where s.address in (select lower(w) from unnest(names) w);
        with theirs as materialized (
            select n.id
            from tidings.notification n
            where n.actor_id = erase.user_id
                or n.topic = v_own
                or n.group_key ~ v_pattern
                or n.payload::text like any (v_likes) and n.payload::text ~ v_find
        ), locked as (
            select n.id from tidings.notification n where n.id in (select t.id from theirs t) order by n.created_at, n.id for update
        )
        update tidings.notification n
        set actor_id = nullif(n.actor_id, erase.user_id),
            topic = nullif(n.topic, v_own),
            group_key = coalesce(regexp_replace(n.group_key, v_pattern, '…', 'g'), n.group_key),
            payload = tidings.redact(n.payload, v_likes, v_wholes, v_parts, v_fields)
        from locked l
        where n.id = l.id;
        get diagnostics v_mentions = row_count;
    end loop;

    update tidings.pending_mark p set topic = v_alias where p.topic = v_own;
    update tidings.topic_head h set topic = v_alias where h.topic = v_own;
    v_had_numbers := found or exists (select from tidings.stream s where s.topic = v_alias);
    if v_had_numbers then
        insert into tidings.kind_floor as k (kind, gseq)
        select w.kind, w.gseq
        from (select r.gseq from tidings.run r order by r.run desc limit 1) r
        cross join lateral (values ('#', 0), ('#' || tidings.pseudonym(erase.user_id), r.gseq)) w (kind, gseq)
        on conflict (kind) do update set gseq = greatest(k.gseq, excluded.gseq);
    end if;
    perform tidings.append_reserved(
        'tidings:control', 'tidings.forgotten', jsonb_build_object('pseudonym', tidings.pseudonym(erase.user_id))
    );
    return jsonb_build_object(
        'events', v_events, 'notifications', v_notifications, 'mentions', v_mentions, 'choices', v_choices, 'keys', v_keys
    );
end;
$$;
revoke all on function tidings.erase(text, text[]) from public;
grant execute on function tidings.erase(text, text[]) to tidings_dba, tidings_server;
