-- What users declare: topic kinds, the view of people, and the keys of events that must happen once.

-- migrate:up
set local role tidings_owner;

-- A kind of topic and the function that says who may read one. Text, so that a dump restores in any order.
create table tidings.topic_kinds (
    kind text primary key,
    -- As regprocedure prints it, schema-qualified.
    can_read text not null,
    -- Type of the function's second argument.
    id_type text not null,
    -- The engine's own kinds are not to be declared.
    constraint kind_is_well_formed check (kind ~ '^[a-z][a-z0-9_]{0,31}$' and kind not in ('tidings', 'user'))
);

-- Settings made in SQL, one row each.
create table tidings.setting (
    name text primary key,
    value jsonb not null
);

-- Keys that every server of this database must share and nobody else may see.
create table tidings.secret (
    name text primary key,
    value bytea not null
);
-- What seals page cursors, signs the links in mails, and stands for those who were forgotten.
insert into tidings.secret
select n.name, sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
from unnest(array['cursor', 'mail', 'pseudonym']) n (name);

-- Keys given to emit and send_notification; a second use within retention does nothing.
create table tidings.dedupe (
    key text primary key,
    at timestamptz not null default clock_timestamp()
);

grant select on tidings.secret to tidings_server;
grant select on tidings.topic_kinds, tidings.setting to tidings_server, tidings_reader, tidings_dba;
reset role;

-- migrate:down
drop table tidings.topic_kinds, tidings.setting, tidings.secret, tidings.dedupe;
