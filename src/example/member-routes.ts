/** What `/projects/:id/members` takes and gives. */

import { z } from '@hono/zod-openapi';
import {
    guardedRoute,
    idParams,
    json,
    jsonBody,
    pageOf,
    pageQuery,
    problem,
    shownMoment,
    uuid,
} from '../rest/index.ts';
import { ROLES } from './roles.ts';

const memberSchema = z
    .object({ userId: z.uuid(), handle: z.string(), name: z.string(), role: z.enum(ROLES), createdAt: shownMoment })
    .openapi('Member');

/** A member of a project. */
export type Member = z.infer<typeof memberSchema>;

const memberParams = idParams.extend({ userId: uuid });
const lastOwner = { 409: problem('The last owner stays an owner.') };
const tags = ['Members'];

export const listMembers = guardedRoute({
    method: 'get',
    path: '/projects/{id}/members',
    tags,
    summary: 'Members of a project, oldest first',
    request: { params: idParams, query: pageQuery },
    responses: { 200: json(pageOf(memberSchema, 'MemberPage'), 'A page of them.') },
});

export const putMember = guardedRoute({
    method: 'put',
    path: '/projects/{id}/members/{userId}',
    tags,
    summary: 'Give a user of the organisation a role',
    request: { params: memberParams, body: jsonBody(z.strictObject({ role: z.enum(ROLES) })) },
    responses: { 200: json(memberSchema, 'The member.'), ...lastOwner },
});

export const removeMember = guardedRoute({
    method: 'delete',
    path: '/projects/{id}/members/{userId}',
    tags,
    summary: 'Remove a member',
    request: { params: memberParams },
    responses: { 204: { description: 'They are no member any more.' }, ...lastOwner },
});
