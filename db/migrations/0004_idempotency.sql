-- Answers kept for requests that carry an Idempotency-Key, so that a retry does not write twice.

-- migrate:up
set local role tidings_owner;

-- Written in the transaction of the request itself: there is an answer exactly if the request took effect.
create table tidings.idempotency (
    user_id text not null,
    key text not null,
    -- sha256 of method, path and body.
    fingerprint bytea not null,
    -- Null only inside the transaction that is making the answer.
    answer jsonb,
    created_at timestamptz not null default now(),
    -- A key belongs to one user; a second request with it waits here for the first.
    primary key (user_id, key)
);
-- Purging by age.
create index idempotency_created_at_idx on tidings.idempotency (created_at);

grant select, insert, update on tidings.idempotency to tidings_server;
reset role;

-- migrate:down
drop table tidings.idempotency;
