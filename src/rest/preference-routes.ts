/** What `/preferences` and `/topics/:topic/mute` take and give. */

import { z } from '@hono/zod-openapi';
import { guardedRoute, json, jsonBody } from './guarded-route.ts';
import { topicText } from './since.ts';
import { text } from './validation.ts';

const type = z
    .string()
    .regex(/^(\*|(?!tidings\.)[a-z][a-z0-9_.-]{0,127})$/, 'expected * or a name like task.assigned')
    .openapi({ example: 'task.commented' });
const channels = z.strictObject({
    inApp: z.enum(['off', 'instant']).optional(),
    email: z.enum(['off', 'instant', 'hourly', 'daily', 'weekly']).optional(),
});
const clock = z.string().regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/, 'expected a time like 22:00');
const quietHours = z
    .strictObject({ from: clock, to: clock })
    .refine(({ from, to }) => from !== to, 'expected two different times');

const choices = {
    /** By notification type; `*` is any without a choice of its own. */
    preferences: z.record(type, channels),
    timeZone: text(0, 64).nullable().openapi({ example: 'Europe/Berlin' }),
    digestHour: z.int().min(0).max(23).nullable(),
    digestWeekday: z.int().min(1).max(7).nullable().openapi({ description: '1 Monday … 7 Sunday' }),
    quietHours: quietHours.nullable().openapi({ description: 'Local times; may wrap midnight.' }),
};

const preferencesSchema = z
    .object({
        ...choices,
        mutedTopics: z.array(z.string()),
        watchedTopics: z.array(z.string()),
        types: z.array(z.object({ type: z.string(), critical: z.boolean() })),
    })
    .openapi('Preferences');

/** What a user has chosen, and what there is to choose for. */
export type Preferences = z.infer<typeof preferencesSchema>;

const MAX_TYPES = 500;

const newPreferences = z
    .strictObject({
        ...choices,
        preferences: choices.preferences
            .refine((chosen) => Object.keys(chosen).length <= MAX_TYPES, {
                error: `expected at most ${MAX_TYPES} types`,
                abort: true,
            })
            .openapi({ maxProperties: MAX_TYPES }),
    })
    .partial();

/** What `PUT` sets; what is absent is taken back. */
export type NewPreferences = z.infer<typeof newPreferences>;

const topicParams = z.object({ topic: topicText });
const tags = ['Preferences'];
const done = { 204: { description: 'Done.' } };

export const getPreferences = guardedRoute({
    method: 'get',
    path: '/preferences',
    tags,
    summary: 'What you have chosen to be told, and how',
    responses: { 200: json(preferencesSchema, 'Your choices.') },
});

export const putPreferences = guardedRoute({
    method: 'put',
    path: '/preferences',
    tags,
    summary: 'Replace your choices; muted and watched topics stay',
    request: { body: jsonBody(newPreferences) },
    responses: { 200: json(preferencesSchema, 'Your choices.') },
});

const topicRoute = <Method extends 'put' | 'delete', Path extends string>(
    method: Method,
    path: Path,
    summary: string,
) => guardedRoute({ method, path, tags, summary, request: { params: topicParams }, responses: done });

export const muteTopic = topicRoute('put', '/topics/{topic}/mute', 'Be told nothing of a topic');
export const unmuteTopic = topicRoute('delete', '/topics/{topic}/mute', 'Be told of a topic again');
export const watchTopic = topicRoute('put', '/topics/{topic}/watch', 'Be told what others watching a topic are told');
export const unwatchTopic = topicRoute('delete', '/topics/{topic}/watch', 'Watch a topic no longer');
