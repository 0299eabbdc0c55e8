/** What `/notifications` takes and gives. */

import { z } from '@hono/zod-openapi';
import { guardedRoute, json, jsonBody, optionalBody, problem } from './guarded-route.ts';
import { pageOf, pageQuery } from './page.ts';
import { positionHeader } from './position.ts';
import { idParams, moment, shownMoment, uuid } from './validation.ts';

const actorSchema = z.object({ id: z.string(), name: z.string().nullable() });

const notificationSchema = z
    .object({
        id: z.uuid(),
        type: z.string().openapi({ example: 'task.assigned' }),
        payload: z.record(z.string(), z.unknown()),
        actorId: z.string().nullable(),
        actors: z.array(actorSchema).openapi({ description: 'The last three who did it, the latest first.' }),
        count: z.int().openapi({ description: 'How many notifications of its group it stands for.' }),
        groupKey: z.string().nullable(),
        topic: z.string().nullable(),
        title: z.string(),
        body: z.string().nullable(),
        url: z.string().nullable(),
        createdAt: shownMoment,
        seenAt: shownMoment.nullable(),
        readAt: shownMoment.nullable(),
        archivedAt: shownMoment.nullable(),
        snoozedUntil: shownMoment.nullable(),
    })
    .openapi('Notification');

/** An entry of the inbox, as `tidings.notifications_json` makes it. */
export type Notification = z.infer<typeof notificationSchema>;

const countsSchema = z.object({ unread: z.int(), unseen: z.int() }).openapi('NotificationCounts');

const flag = z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional()
    .openapi({ type: 'boolean', default: false });

const watermark = optionalBody(z.strictObject({ before: uuid.optional() }));
const tags = ['Inbox'];
const one = { 200: json(notificationSchema, 'The notification.') };
const updated = { 200: json(z.object({ updated: z.int() }), 'How many changed.') };

export const listNotifications = guardedRoute({
    method: 'get',
    path: '/notifications',
    tags,
    summary: 'The inbox, newest first; archived and snoozed ones only where asked for',
    request: {
        query: pageQuery.extend({
            unreadOnly: flag,
            type: z
                .string()
                .regex(/^[a-z][a-z0-9_.-]{0,127}$/, 'expected a name like task.assigned')
                .optional()
                .openapi({ example: 'task.assigned' }),
            archived: flag,
            snoozed: flag,
        }),
    },
    responses: {
        200: { ...json(pageOf(notificationSchema, 'NotificationPage'), 'A page of it.'), headers: positionHeader },
    },
});

export const countNotifications = guardedRoute({
    method: 'get',
    path: '/notifications/counts',
    tags,
    summary: 'How many entries are unread, and how many were never looked at',
    responses: { 200: { ...json(countsSchema, 'The counts.'), headers: positionHeader } },
});

export const markNotification = guardedRoute({
    method: 'patch',
    path: '/notifications/{id}/read',
    tags,
    summary: 'Mark an entry read, or with `{"read": false}` unread again',
    request: { params: idParams, body: optionalBody(z.strictObject({ read: z.boolean().optional() })) },
    responses: one,
});

export const readAll = guardedRoute({
    method: 'post',
    path: '/notifications/read-all',
    tags,
    summary: 'Mark all read, up to the place of `before`: what came later stays unread',
    request: { body: watermark },
    responses: updated,
});

export const seeAll = guardedRoute({
    method: 'post',
    path: '/notifications/seen',
    tags,
    summary: 'Mark all seen, up to the place of `before`',
    request: { body: watermark },
    responses: updated,
});

export const archiveNotification = guardedRoute({
    method: 'post',
    path: '/notifications/{id}/archive',
    tags,
    summary: 'Put an entry away',
    request: { params: idParams },
    responses: one,
});

export const unarchiveNotification = guardedRoute({
    method: 'delete',
    path: '/notifications/{id}/archive',
    tags,
    summary: 'Take an entry back',
    request: { params: idParams },
    responses: one,
});

export const snoozeNotification = guardedRoute({
    method: 'post',
    path: '/notifications/{id}/snooze',
    tags,
    summary: 'Hide an entry until a moment, when it rings again',
    request: { params: idParams, body: jsonBody(z.strictObject({ until: moment })) },
    responses: { ...one, 400: problem('Malformed, or not in the future.') },
});

export const unsnoozeNotification = guardedRoute({
    method: 'delete',
    path: '/notifications/{id}/snooze',
    tags,
    summary: 'Show a snoozed entry at once',
    request: { params: idParams },
    responses: one,
});
