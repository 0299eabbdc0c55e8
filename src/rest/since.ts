/** Query parameters that say where in a topic to go on: `since` and `epoch`, together or not at all. */

import { z } from '@hono/zod-openapi';
import { isTopic } from '../event.ts';
import type { Since } from '../protocol/index.ts';
import { wholeNumber } from './validation.ts';

/** A topic, in a path or a query. */
export const topicText = z
    .string()
    .refine(isTopic, 'expected a topic <kind>:<id>')
    .openapi({ type: 'string', example: 'project:00000000-0000-4000-8000-000000000201' });

/** The two parameters. */
export const sinceQuery = {
    since: wholeNumber
        .pipe(z.int().min(0))
        .optional()
        .openapi({ type: 'integer', minimum: 0, description: 'The last `seq` seen. With `epoch`.' }),
    epoch: z.string().min(1).max(128).optional().openapi({ description: 'The epoch `since` belongs to.' }),
};

/** Whether both are there, or neither. */
export function comeTogether({ since, epoch }: SinceQuery): boolean {
    return (since === undefined) === (epoch === undefined);
}

/** What is said where they don't. */
export const TOGETHER = { path: ['since'], message: 'expected since and epoch together' };

type SinceQuery = { readonly since?: number | undefined; readonly epoch?: string | undefined };

/** The place they name. */
export function sinceOf({ since, epoch }: SinceQuery): Since {
    return since === undefined || epoch === undefined ? null : { seq: since, epoch };
}
