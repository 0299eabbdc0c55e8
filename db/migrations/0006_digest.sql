-- Mails: which notifications went out in which, and how that ended.

-- migrate:up
set local role tidings_owner;

-- One mail to one person. What it is about are the notifications that carry its id, chosen when it was claimed.
create table tidings.digest (
    id bigint generated always as identity primary key,
    user_id text not null,
    kind text not null,
    -- The local day, the hour, or for an instant or a manual mail its first notification: a period is mailed once.
    period text not null,
    -- The end of what it tells.
    due_at timestamptz not null,
    state text not null default 'claimed',
    -- Counts every time it is taken up; who took it up under an older number has lost it.
    attempt integer not null default 0,
    -- Not to be taken up before; while somebody is at it, until when.
    next_at timestamptz not null,
    claimed_at timestamptz not null,
    ended_at timestamptz,
    -- Notifications told.
    count integer,
    message_id text,
    -- Why it failed, is unknown or was skipped, or what the mail server said.
    reason text,
    constraint digest_key unique (user_id, kind, period),
    constraint kind_is_known check (kind in ('instant', 'hourly', 'daily', 'weekly', 'manual')),
    constraint state_is_known check (state in ('claimed', 'sending', 'sent', 'failed', 'unknown', 'skipped'))
);
-- What is to be taken up, instant mails first, and what somebody died over.
create index digest_open_idx on tidings.digest ((kind <> 'instant'), next_at) where state = 'claimed';
create index digest_sending_idx on tidings.digest (next_at) where state = 'sending';
-- What is past use, and what went wrong.
create index digest_ended_idx on tidings.digest (ended_at);
create index digest_wrong_idx on tidings.digest (ended_at) where state in ('failed', 'unknown');

-- What a digest has to look at, by person and cadence.
drop index tidings.notification_digest_idx;
create index notification_pending_idx on tidings.notification (user_id, email, created_at)
    where digest_id is null and email is distinct from 'off';
-- Whom an instant mail may be for.
create index notification_instant_idx on tidings.notification (user_id) where digest_id is null and email = 'instant';
-- What a digest tells.
create index notification_told_idx on tidings.notification (digest_id) where digest_id is not null;

-- Addresses that must not be written to.
create table tidings.suppression (
    -- In lower case.
    address text primary key,
    reason text not null,
    since timestamptz not null default clock_timestamp()
);

-- A function that names a topic, for a mail's headings.
alter table tidings.topic_kinds add column title text;

grant select on tidings.digest, tidings.suppression to tidings_server, tidings_dba;
reset role;

-- migrate:down
alter table tidings.topic_kinds drop column title;
drop table tidings.digest, tidings.suppression;
drop index tidings.notification_pending_idx, tidings.notification_instant_idx, tidings.notification_told_idx;
create index notification_digest_idx on tidings.notification (user_id, created_at)
    where digest_id is null and email is distinct from 'off';
