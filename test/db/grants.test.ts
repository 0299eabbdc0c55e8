/** Who may do what: every function and table of the engine by role. */

import type { Sql } from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let sql: Sql;

beforeAll(async () => {
    database = await openDatabase();
    sql = database.sql;
});

afterAll(() => database.close());

const READABLE = [
    'capture_error',
    'event',
    'heads_flushed',
    'kind_floor',
    'notification_rules',
    'notification_types',
    'run',
    'setting',
    'stream',
    'topic_head',
    'topic_kinds',
    'tracked',
];

/** What is each person's own. */
const PERSONAL = ['digest', 'notification', 'preference', 'schedule', 'suppression', 'topic_preference'];

/** What capture and rules generate and run, what declares, and what a DBA or a service calls by hand. */
const DBA = [
    ...['append', 'append_notifications', 'attach_rules', 'attach_triggers', 'audience', 'capture_failed'],
    ...['capture_handler', 'capture_short_way', 'capture_source', 'check_expression', 'check_rule'],
    ...['check_tracking', 'is_first'],
    ...['may_read', 'may_read_each', 'notify', 'rules_source', 'table_truncated'],
    ...[
        'notification_rule',
        'notification_type',
        'people',
        'remove_notification_rule',
        'topic_kind',
        'track',
        'untrack',
    ],
    ...[
        'access_changed',
        'create_partitions',
        'disconnect',
        'emit',
        'erase',
        'forget',
        'forgotten_at',
        'head',
        'new_epoch',
    ],
    ...['position', 'purge_idempotency', 'purge_notifications', 'topic_epoch', 'wake_snoozed'],
    ...['archive_notification', 'fill_template', 'is_notification', 'is_time_zone', 'list_notifications'],
    ...['mark_all_read', 'mark_read'],
    ...['mark_until', 'notification_counts', 'notifications_json', 'people_of', 'preferences_of', 'quiet_until'],
    ...['replace_preferences', 'send_notification', 'set_preference', 'set_schedule', 'set_topic_preference'],
    ...['snooze_notification', 'unset_topic_preference'],
    ...['diagnose', 'digest_due', 'purge_digests', 'suppress'],
].sort();
const SERVER = [
    ...['access_changed', 'create_partitions', 'disconnect', 'emit', 'erase', 'fall_asleep', 'flush_heads', 'forget'],
    ...['forgotten_at', 'head', 'is_first', 'may_read', 'may_read_each', 'pin', 'position', 'purge_idempotency'],
    ...['purge_notifications', 'read_stream', 'sequence', 'stay_awake', 'topic_epoch', 'wake_snoozed'],
    ...['append_notifications', 'archive_notification', 'channels_of', 'fill_template', 'fold_of'],
    ...['is_notification', 'is_time_zone'],
    ...['list_notifications', 'mark_all_read', 'mark_read', 'mark_until', 'notification_counts', 'notification_frames'],
    ...['notifications_json', 'notify', 'people_of', 'preferences_of', 'quiet_until', 'replace_preferences'],
    ...['send_notification', 'set_preference', 'set_schedule', 'set_topic_preference', 'snooze_notification'],
    ...['unset_topic_preference'],
    ...['claim_digest_of', 'claim_digests', 'digest_due', 'digest_mails', 'end_digest', 'freeze_digests'],
    ...['diagnose', 'hand_over_digest', 'purge_digests', 'summary_of', 'suppress', 'take_digests', 'titles_of'],
].sort();

test.each([
    ['tidings_dba', DBA],
    ['tidings_server', SERVER],
    ['tidings_reader', ['forgotten_at', 'head', 'position', 'topic_epoch']],
])('%s may execute its own functions and no others', async (role, functions) => {
    const rows = await sql`
        select distinct p.proname as name from pg_proc p
        where p.pronamespace = 'tidings'::regnamespace
            and has_function_privilege(${role}, p.oid, 'execute') and not has_function_privilege('public', p.oid, 'execute')
        order by 1`;
    expect(rows.map((row) => row['name'])).toEqual(functions);
});

test('what anyone may execute touches no table, and is not definer', async () => {
    expect(
        await sql`
            select p.oid::regprocedure::text as name from pg_proc p
            where p.pronamespace = 'tidings'::regnamespace and has_function_privilege('public', p.oid, 'execute')
                and (p.prosecdef or p.provolatile = 'v')`,
    ).toEqual([]);
    expect(
        await sql`select has_schema_privilege('public', 'tidings', 'usage') or has_schema_privilege('public', 'tidings_capture', 'usage') as open`,
    ).toEqual([{ open: false }]);
});

test.each<readonly [role: string, right: string, tables: readonly string[]]>([
    ['tidings_dba', 'select', [...READABLE, ...PERSONAL].sort()],
    ['tidings_reader', 'select', READABLE],
    ['tidings_server', 'select', [...READABLE, ...PERSONAL, 'idempotency', 'rate_limit', 'secret'].sort()],
    ['tidings_server', 'insert', ['idempotency', 'rate_limit']],
    ['tidings_server', 'update', ['idempotency', 'rate_limit']],
    ['tidings_server', 'delete', ['rate_limit']],
    ...['tidings_dba', 'tidings_reader'].flatMap((role) =>
        ['insert', 'update', 'delete', 'truncate'].map((right) => [role, right, []] as const),
    ),
    ['tidings_server', 'truncate', []],
])('%s may %s exactly what it is given', async (role, right, tables) => {
    const rows = await sql`
        select c.relname as name from pg_class c
        where c.relnamespace = 'tidings'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
            and has_table_privilege(${role}, c.oid, ${right})
        order by 1`;
    expect(rows.map((row) => row['name'])).toEqual(tables);
});

test('everything of the engine belongs to a role that cannot log in', async () => {
    expect(
        await sql`
            select c.relname as name from pg_class c
            where c.relnamespace = 'tidings'::regnamespace and c.relowner <> 'tidings_owner'::regrole
                -- The migration runner's own, made before there is a role.
                and c.relname !~ '^(schema_migrations|migration_hash)'`,
    ).toEqual([]);
});
