/** What `/projects` and `/projects/:id` take and give. */

import { z } from '@hono/zod-openapi';
import {
    guardedRoute,
    idParams,
    json,
    jsonBody,
    pageOf,
    pageQuery,
    positionHeader,
    shownMoment,
    text,
} from '../rest/index.ts';
import { ROLES } from './roles.ts';

const projectSchema = z
    .object({
        id: z.uuid(),
        organisationId: z.uuid(),
        name: z.string(),
        description: z.string(),
        createdBy: z.uuid().nullable(),
        createdAt: shownMoment,
        updatedAt: shownMoment,
        role: z.enum(ROLES),
    })
    .openapi('Project');

/** A project as its reader sees it. */
export type Project = z.infer<typeof projectSchema>;

const name = text(1, 200);
const description = text(0, 20_000);
const tags = ['Projects'];

export const createProject = guardedRoute({
    method: 'post',
    path: '/projects',
    tags,
    summary: 'Make a project; the caller becomes its owner',
    request: { body: jsonBody(z.strictObject({ name, description: description.optional() })) },
    responses: { 201: json(projectSchema, 'The project.') },
});

export const listProjects = guardedRoute({
    method: 'get',
    path: '/projects',
    tags,
    summary: 'Projects the caller may see, oldest first',
    request: { query: pageQuery },
    responses: { 200: json(pageOf(projectSchema, 'ProjectPage'), 'A page of them.') },
});

export const getProject = guardedRoute({
    method: 'get',
    path: '/projects/{id}',
    tags,
    summary: 'One project, with the position of its topic',
    request: { params: idParams },
    responses: { 200: { ...json(projectSchema, 'The project.'), headers: positionHeader } },
});

export const changeProject = guardedRoute({
    method: 'patch',
    path: '/projects/{id}',
    tags,
    summary: 'Change name or description',
    request: {
        params: idParams,
        body: jsonBody(z.strictObject({ name: name.optional(), description: description.optional() })),
    },
    responses: { 200: json(projectSchema, 'The project.') },
});

export const deleteProject = guardedRoute({
    method: 'delete',
    path: '/projects/{id}',
    tags,
    summary: 'Delete a project with all it holds',
    request: { params: idParams },
    responses: { 204: { description: 'It is gone.' } },
});
