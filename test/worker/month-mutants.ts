/** Faults put into the SQL of a test database, each of which a simulated month has to notice. */

import type { Sql } from 'postgres';

export type Mutant = {
    readonly what: string;
    /** Whose body is changed, and what stands where. */
    readonly body: string;
    readonly from: string;
    readonly to: string;
};

export const MUTANTS: readonly Mutant[] = [
    {
        what: 'periods end in UTC',
        body: 'claim_digests',
        from: 'k.kind, moment, u.time_zone,',
        to: "k.kind, moment, 'UTC',",
    },
    {
        what: 'what is told at the very end of a period is of it',
        body: 'freeze_digests',
        from: 'n.created_at < d.due_at',
        to: 'n.created_at <= d.due_at',
    },
    {
        what: 'an hour that comes twice ends its day twice',
        body: 'digest_due',
        from: 'if due_at > moment then',
        to: 'if v_day + make_time(digest_hour, 0, 0) > v_local then',
    },
    {
        what: 'a day has a second mail after the clocks change',
        body: 'digest_due',
        from: 'period := v_day::text;',
        to: "due_at := moment; period := v_day::text || (v_local - moment at time zone 'UTC')::text;",
    },
    {
        what: 'an hour ends where the clocks change by half of one',
        body: 'digest_due',
        from: "due_at := due_at - (v_local - date_trunc('hour', v_local));",
        to: '',
    },
    { what: 'a week ends on the day after', body: 'digest_due', from: '+ 7) % 7', to: '+ 8) % 7' },
    {
        what: 'quiet hours end at midnight',
        body: 'quiet_until',
        from: 'quiet_from > quiet_to and v_at < quiet_to',
        to: 'false',
    },
    {
        what: 'quiet hours end for the second time on the night on which their end comes twice',
        body: 'quiet_until',
        from: 'if (v_end - v_step) at time zone time_zone = v_local_end then',
        to: 'if false then',
    },
    {
        what: 'a notification that was mailed is mailed again',
        body: 'freeze_digests',
        from: 'where n.id = p.id',
        to: "where n.id = p.id and n.type = 'note.made'",
    },
];

export async function applyMutant(sql: Sql, { body, from, to }: Mutant): Promise<void> {
    const [row] = await sql<{ definition: string }[]>`
        select pg_get_functiondef(p.oid) as definition from pg_proc p
        where p.pronamespace = 'tidings'::regnamespace and p.proname = ${body}`;
    if (!row?.definition.includes(from)) throw new TypeError(`expected tidings.${body} to contain ${from}`);
    await sql.unsafe(row.definition.replace(from, () => to));
}
