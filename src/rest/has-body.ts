/** Whether a request may have a body. */

import type { RestContext } from './api.ts';

/** Told by the method, as looking at a body may copy it. */
export function hasBody(c: RestContext): boolean {
    return c.req.method !== 'GET' && c.req.method !== 'HEAD' && c.req.method !== 'OPTIONS';
}
