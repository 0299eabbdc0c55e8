-- Requests counted by all servers together.

-- migrate:up
set local role tidings_owner;

-- The table rate-limiter-flexible works on. Unlogged: after a crash everybody begins anew.
create unlogged table tidings.rate_limit (
    -- 'user:<id>' or 'address:<address>', behind the library's prefix.
    key text primary key,
    points integer not null default 0,
    -- When the window ends, in milliseconds since 1970.
    expire bigint
)
with (fillfactor = 70);
create index rate_limit_expire_idx on tidings.rate_limit (expire);

grant select, insert, update, delete on tidings.rate_limit to tidings_server;
reset role;

-- migrate:down
drop table tidings.rate_limit;
