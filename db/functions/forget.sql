-- Erases a person from the log, the inbox and all else that is kept of people here, and closes their sockets. Idempotent;
-- returns counts: `{events, notifications, mentions, choices, keys}`.
--
-- Deleted: their notifications and mails, preferences, schedule and topics, the answers kept for their requests, and dedupe keys that
-- name them (what was sent under such a key can be sent again). Their topic gets a name that says nothing, its events are
-- emptied. Where others are told of them, they become nobody: actor null, and in data and payloads their id null and their
-- names `…`. Words they wrote stay, as the rows that others read do: those are the business tables' to decide. Every event
-- keeps its place, so nobody who reads along notices anything, and no position but those of their own topic becomes void.
--
-- names: what they are called in texts, in each spelling; null: name and e-mail as `tidings.people` says. Only whole words of
-- two characters or more count. An id that is a number or a single character is no word: it goes where a field refers to
-- people (by a foreign key to the tables behind `tidings.people`), and stays in free text, lists, dedupe keys and kept answers
-- (those for a day). A topic of another kind than `user` keeps its name.
--
-- Delete the person from your own tables first, in a transaction of its own, so that the events of that go out whole, and name
-- them here. What others write while this runs is not seen: call it again once their tokens are void.
--
-- Errors: 22023 for a malformed user; 25001 outside of READ COMMITTED; 42501 if the caller has no right on the view of people
-- and gives no names. Locks: nobody's writes wait. Numbering waits from the last of its steps to the end of the transaction
-- (0.2 s where 100 000 events were theirs, of 400 000, in 11 s in all); so does who marks a notification of theirs that this person caused.
create or replace function tidings.forget(user_id text, names text[] default null)
    returns jsonb
    language plpgsql
    volatile
    security invoker
    set search_path = pg_catalog, pg_temp
as $$
begin
    if tidings.is_id(user_id) is not true then
        raise exception 'expected user_id to be 1 to 128 of A-Z a-z 0-9 _ . @ | : + -, got %', coalesce(quote_literal(user_id), 'null')
            using errcode = '22023';
    end if;
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'expected tidings.forget() to run in READ COMMITTED, got %', current_setting('transaction_isolation')
            using errcode = '25001';
    end if;
    return tidings.erase(
        user_id,
        coalesce(names, (select array[p.name, p.email] from tidings.people_of(array[user_id]) p), '{}')
    );
end;
$$;
revoke all on function tidings.forget(text, text[]) from public;
grant execute on function tidings.forget(text, text[]) to tidings_dba, tidings_server;
