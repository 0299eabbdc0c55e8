-- The log: what happened (event), in which order (stream), how far each topic is (topic_head), and what went wrong.

-- migrate:up
set local role tidings_owner;

-- Event ids. Drawn one by one (cache 1): `sequence()` relies on an id drawn later being higher.
create sequence tidings.event_id as bigint cache 1;

-- What happened. Append-only; days are dropped as partitions. Only the functions of this schema write to it, and
-- tidings.append checks what a topic and an event's name may be: a check constraint would be parsed again by every insert.
create table tidings.event (
    -- First column, so that its default runs before the id is drawn: a transaction that gets its xid after a snapshot
    -- has only ids drawn after that snapshot. `sequence()` relies on it.
    xid xid8 not null default pg_current_xact_id(),
    id bigint not null default nextval('tidings.event_id'),
    at timestamptz not null default clock_timestamp(),
    topic text not null,
    event text not null,
    actor_id text,
    data jsonb not null,
    request_id text,
    traceparent text
) partition by range (at);

-- Reads by id: the tail's join, and the sequencer's page in id order.
create index event_id_idx on tidings.event (id);
-- Rows of one transaction: those that were still open at the sequencer's last snapshot.
create index event_xid_idx on tidings.event (xid, id);
-- Catches a row when nobody made its day's partition. Rows are never moved out of it.
create table tidings.event_default partition of tidings.event default;

-- The order: one row per event, written by `sequence()` only. gseq and (topic, seq) grow by one; the runner's lock makes
-- them unique, which no constraint across partitions could.
create table tidings.stream (
    gseq bigint not null,
    topic text not null,
    seq bigint not null,
    event_id bigint not null,
    event_at timestamptz not null,
    sequenced_at timestamptz not null
) partition by range (sequenced_at);

-- The tail: everything after a cursor.
create index stream_gseq_idx on tidings.stream (gseq);
-- Replay of one topic, and its head.
create index stream_topic_idx on tidings.stream (topic, seq);
-- An event's place, by range of pages: ids and places grow together.
create index stream_event_idx on tidings.stream using brin (event_id) with (pages_per_range = 16);
create table tidings.stream_default partition of tidings.stream default;

-- How far each topic was at the last flush, and the lowest position that can be resumed. Rows never go, so that a topic
-- whose days were all dropped goes on counting.
create table tidings.topic_head (
    topic text primary key,
    seq bigint not null,
    floor bigint not null default 0
) with (fillfactor = 70);

-- Up to which gseq topic_head is complete; `at` is that row's sequenced_at. One row.
create table tidings.heads_flushed (
    gseq bigint not null,
    at timestamptz not null
) with (fillfactor = 10);
insert into tidings.heads_flushed values (0, '-infinity');

-- Kinds of which something was lost in a topic unknown ('*': of any kind): positions of before this gseq are void.
create table tidings.kind_floor (
    kind text primary key,
    gseq bigint not null
);

-- No event is written with a time below this one (seconds since 1970; not called: none), whatever the clock says; moved on
-- once a day. Lets the sequencer leave old partitions unread without trusting a clock. A sequence, because every insert
-- reads it, and reading a table would cost the insert a tenth of its time.
create sequence tidings.horizon as bigint minvalue 0 start 0 cache 1;

-- The sequencer's lock: `lock table … in exclusive mode` needs a privilege, so nobody can squat on it.
create table tidings.runner ();

-- The sequencer's state, append-only: the last row counts. Updating one row would grow a chain of dead versions under
-- every long snapshot and slow each run down.
create table tidings.run (
    run bigint generated always as identity primary key,
    -- When it ran; never before an earlier run, whatever the clock does.
    at timestamptz not null,
    epoch text not null,
    -- The last gseq given.
    gseq bigint not null,
    -- Everything visible in it is numbered, save what `unnumbered` lists.
    prev pg_snapshot not null,
    -- The highest event id drawn before prev was taken, and a transaction id drawn after it. A snapshot's xmax is the
    -- latest completed transaction + 1: those from there up to prev_xid may have been at work already.
    prev_id bigint not null,
    prev_xid xid8 not null,
    -- gseq when the pass that ended in prev began.
    prev_gseq bigint not null,
    -- The horizon at prev, and that at the youngest earlier pass older than every transaction open in prev.
    prev_horizon timestamptz not null,
    open_horizon timestamptz not null,
    -- A pass in pages: what it may number, where it is. Null between passes.
    upto pg_snapshot,
    upto_id bigint,
    upto_xid xid8,
    upto_gseq bigint,
    upto_horizon timestamptz,
    after_id bigint not null default 0,
    -- The highest capture_error id drawn before prev (before upto).
    error_id bigint not null,
    upto_error_id bigint,
    -- The count of capture_lost seen, and the transaction id below which whoever drew it may still be open.
    lost bigint not null,
    lost_until xid8,
    -- Ids up to this one were drawn before the epoch began; their xid may be another cluster's.
    epoch_id bigint not null,
    -- Which cluster and which of its lives these numbers belong to.
    system_identifier bigint not null,
    timeline text not null,
    postmaster_started_at timestamptz not null
);

-- After a new epoch: events nobody had numbered, numbered before all others.
create table tidings.unnumbered (
    id bigint primary key,
    at timestamptz not null
);

-- What could not be captured. The business transaction committed; sequence() turns rows into resets.
create table tidings.capture_error (
    xid xid8 not null default pg_current_xact_id(),
    id bigint generated always as identity (cache 1) primary key,
    at timestamptz not null default clock_timestamp(),
    table_name text not null,
    tracking text not null,
    operation text not null,
    -- The topics it touched; null where they could not be told.
    topics text[],
    -- The kinds it may have touched, where the topics are unknown; null: any.
    kinds text[],
    sqlstate text not null,
    message text not null,
    -- The first row concerned.
    sample jsonb
);
-- Taken in by the sequencer under the same snapshot rule as events.
create index capture_error_xid_idx on tidings.capture_error (xid);

-- Marks still to be placed in the log: what was lost in a topic, or in a kind (null: any) where the topic is unknown.
create table tidings.pending_mark (
    topic text,
    kind text
);

-- What one does at a time: whoever locks the row does it. Rows and not advisory locks, as anybody who may connect can take those.
create table tidings.chore (
    name text primary key
);
insert into tidings.chore values ('partitions'), ('heads'), ('forget'), ('snoozed'), ('notifications');
-- A few for all users: two of whom one has to wait for the other harm nobody.
insert into tidings.chore select 'preferences:' || n from generate_series(0, 63) n;

-- Drawn from when not even capture_error could be written: a sequence needs no lock that a table lock could withhold.
create sequence tidings.capture_lost as bigint minvalue 0 start 0 cache 1;
select nextval('tidings.capture_lost');

grant select on tidings.event, tidings.stream, tidings.topic_head, tidings.heads_flushed, tidings.kind_floor, tidings.run,
    tidings.capture_error to tidings_server, tidings_reader, tidings_dba;
reset role;

-- migrate:down
drop table tidings.event, tidings.stream, tidings.topic_head, tidings.heads_flushed, tidings.kind_floor,
    tidings.runner, tidings.run, tidings.unnumbered, tidings.capture_error, tidings.pending_mark, tidings.chore
    cascade;
drop sequence tidings.event_id, tidings.capture_lost, tidings.horizon;
