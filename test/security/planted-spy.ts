/** What somebody may plant in their own schemas, so that code that looks a name up carelessly runs it: functions, operators, types, tables. */

import type { Sql } from 'postgres';

/** Counts who else than `role` runs it; in a sequence, as what raises later undoes every other trace. */
function spyFor(role: string): string {
    return `
        create temp sequence caught;
        grant all on sequence caught to public;
        create function pg_temp.steal() returns boolean language plpgsql set search_path = pg_catalog, pg_temp as $$
        begin
            if current_user <> '${role}' then perform nextval('pg_temp.caught'); end if;
            return true;
        end $$;
        grant execute on function pg_temp.steal() to public`;
}

/** A twin in `public` of each function of pg_catalog that the engine's definer functions name. */
const FUNCTIONS = `
    select format(
        'create function public.%I(%s) returns %s language plpgsql as $f$ begin perform pg_temp.steal(); return null; end $f$',
        p.proname, pg_get_function_identity_arguments(p.oid), format_type(p.prorettype, null)
    ) as statement
    from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and not p.proretset and p.provariadic = 0
        and not exists (
            select from pg_type t where t.oid = any (p.proargtypes::oid[] || p.prorettype) and t.typtype = 'p'
        )
        and exists (
            select from pg_proc d
            where d.pronamespace = 'tidings'::regnamespace and d.prosecdef and strpos(d.prosrc, p.proname || '(') > 0
        )`;

/** A twin of each operator between the types the engine works with. */
const OPERATORS = `
    select format(
        'create function public.twin_%s(a %s, b %s) returns %s language plpgsql as $f$ begin perform pg_temp.steal(); return null; end $f$;
         create operator public.%s (leftarg = %2$s, rightarg = %3$s, function = public.twin_%1$s)',
        o.oid, format_type(o.oprleft, null), format_type(o.oprright, null), format_type(o.oprresult, null), o.oprname
    ) as statement
    from pg_operator o
    where o.oprnamespace = 'pg_catalog'::regnamespace
        and o.oprleft = any ('{text,int4,int8,uuid,jsonb,timestamptz,bool,xid8,interval}'::regtype[]::oid[])
        and o.oprright = any ('{text,int4,int8,uuid,jsonb,timestamptz,bool,xid8,interval}'::regtype[]::oid[])`;

/** A view of the same name in pg_temp for each table of the engine, and for those of the catalogue. */
const TABLES = `
    select format('create view pg_temp.%I as select pg_temp.steal() as s; grant all on pg_temp.%1$I to public', c.relname) as statement
    from pg_class c
    where c.relkind in ('r', 'p', 'v') and not c.relispartition
        and (c.relnamespace = 'tidings'::regnamespace
            or c.relnamespace = 'pg_catalog'::regnamespace and c.relname = any ('{pg_class,pg_proc,pg_attribute,pg_constraint,pg_roles,pg_locks}'))`;

const TYPES = ['text', 'jsonb', 'regclass', 'xid8', 'uuid', 'timestamptz', 'bigint', 'integer', 'boolean', 'interval'];

/** Plants all of it in this session, which is one of `role`, and looks names up there first from now on. */
export async function plant(session: Sql, role: string): Promise<number> {
    await session.unsafe(spyFor(role));
    let planted = 0;
    for (const query of [FUNCTIONS, OPERATORS, TABLES]) {
        const rows = await session.unsafe<{ statement: string }[]>(query);
        planted += rows.length;
        await session.unsafe(rows.map(({ statement }) => statement).join(';\n'));
    }
    for (const type of TYPES) {
        await session.unsafe(
            `create domain pg_temp.${type === 'timestamptz' ? 'timestamptz' : type} as pg_catalog.${native(type)} check (pg_temp.steal())`,
        );
    }
    await session.unsafe(`set search_path = pg_temp, public, pg_catalog`);
    return planted + TYPES.length;
}

/** How often something planted was run by another role. */
export async function timesCaught(session: Sql): Promise<number> {
    const [row] = await session.unsafe(`
        select case when is_called then last_value operator(pg_catalog.-) 0 else 0 end as n from pg_temp.caught`);
    return Number(row?.['n']);
}

function native(type: string): string {
    return { bigint: 'int8', integer: 'int4', boolean: 'bool' }[type] ?? type;
}
