/** Topics anyone may read, so that a fault test is about delivery alone. */

import type { Sql } from 'postgres';

/** What load is spread over. */
export const ROOMS = ['room:1', 'room:2', 'room:3', 'room:4'] as const;

/** Declares the kind on a database with the engine in it. */
export async function declareRooms(sql: Sql): Promise<void> {
    await sql.unsafe(`
        create function public.anyone(user_id text, room text) returns boolean language sql immutable return true;
        grant execute on function public.anyone(text, text) to tidings_server;
        select tidings.topic_kind('room', 'public.anyone(text, text)');`);
}
