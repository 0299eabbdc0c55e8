-- The inbox: notifications, the types they are of, and who wants them how.

-- migrate:up
set local role tidings_owner;

-- What kinds of notifications there are, and how each is told.
create table tidings.notification_types (
    type text primary key,
    -- By locale ('' stands for any): {"": {"title": "…", "body": "…", "url": "…"}, "de": {…}}
    templates jsonb not null default '{}',
    -- Ignores preferences.
    critical boolean not null default false,
    constraint type_is_well_formed check (type ~ '^[a-z][a-z0-9_.-]{0,127}$')
);

-- Who is to be told what. Written in the transaction of what it tells; the states are set later, by the user.
create table tidings.notification (
    id uuid primary key default gen_random_uuid(),
    -- Drawn before its event; tells rows numbered by the sequencer from those that are not yet.
    xid xid8 not null default pg_current_xact_id(),
    user_id text not null,
    type text not null,
    payload jsonb not null default '{}',
    actor_id text,
    -- Rows of one group are shown as one until they are read; null: alone.
    group_key text collate "C",
    -- What it is about, and what its reader must be allowed to read.
    topic text,
    -- Its `notification.created` in the log: its place in the stream.
    event_id bigint not null,
    -- Whether the inbox shows it; if not, it is here for the mail.
    in_app boolean not null default true,
    -- off, instant, hourly, daily, weekly; null: what the server's default says.
    email text,
    created_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz,
    read_at timestamptz,
    archived_at timestamptz,
    snoozed_until timestamptz,
    digest_id bigint,
    constraint read_is_seen check (read_at is null or seen_at is not null)
);

-- The list, newest first.
create index notification_list_idx on tidings.notification (user_id, created_at desc, id desc) where in_app and archived_at is null;
-- The list of what is unread.
create index notification_unread_idx on tidings.notification (user_id, created_at desc, id desc)
    where in_app and archived_at is null and read_at is null;
-- The counts, from the index alone: what is unseen is unread, too.
create index notification_counts_idx on tidings.notification (user_id, group_key)
    include (seen_at, snoozed_until)
    where in_app and archived_at is null and read_at is null;
-- What is marked seen.
create index notification_unseen_idx on tidings.notification (user_id, created_at, id)
    where in_app and archived_at is null and seen_at is null;
-- The rows of a group, newest first.
create index notification_group_idx on tidings.notification (user_id, group_key, created_at desc, id desc)
    where in_app and group_key is not null;
-- What a digest has to look at.
create index notification_digest_idx on tidings.notification (user_id, created_at)
    where digest_id is null and email is distinct from 'off';
-- What comes back.
create index notification_snoozed_idx on tidings.notification (snoozed_until) where snoozed_until is not null;
-- Retention.
create index notification_age_idx on tidings.notification (created_at);

-- What a person has chosen. type '*': all that have no choice of their own.
create table tidings.preference (
    user_id text not null,
    type text not null,
    channel text not null,
    value text not null,
    primary key (user_id, type, channel),
    constraint channel_is_known check (channel in ('inApp', 'email')),
    -- The inbox is at once or not at all.
    constraint value_fits_channel check (
        value in ('off', 'instant') or (channel = 'email' and value in ('hourly', 'daily', 'weekly'))
    )
);

-- When a person may be mailed. Null: what `people` or the server says.
create table tidings.schedule (
    user_id text primary key,
    time_zone text,
    digest_hour integer,
    -- 1 Monday … 7 Sunday.
    digest_weekday integer,
    -- Local times; may wrap midnight. Both or neither.
    quiet_from time,
    quiet_to time,
    constraint digest_hour_is_an_hour check (digest_hour between 0 and 23),
    constraint digest_weekday_is_a_day check (digest_weekday between 1 and 7),
    constraint quiet_hours_have_two_ends check ((quiet_from is null) = (quiet_to is null) and quiet_from <> quiet_to)
);

-- Topics a person wants nothing of, or everything.
create table tidings.topic_preference (
    user_id text not null,
    topic text not null,
    mode text not null,
    primary key (user_id, topic),
    constraint mode_is_known check (mode in ('mute', 'watch'))
);
-- Who watches a topic.
create index topic_preference_topic_idx on tidings.topic_preference (topic) where mode = 'watch';

grant select on tidings.notification_types, tidings.notification, tidings.preference, tidings.schedule, tidings.topic_preference
    to tidings_server, tidings_dba;
grant select on tidings.notification_types to tidings_reader;
reset role;

-- migrate:down
drop table tidings.notification, tidings.notification_types, tidings.preference, tidings.schedule, tidings.topic_preference;
