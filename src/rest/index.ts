/**
 * The HTTP API: requests in, JSON out.
 *
 * A request meets, in this order: its context (id, trace), CORS, its body, authentication, validation by the schemas that
 * also make `/openapi.json`, and a handler that works in one transaction. A resource is a function that registers routes.
 *
 * Invariants: every error is `application/problem+json` with a code; what a handler throws rolls its transaction back;
 * an answer is sent only after the commit. Depends on event, errors, observe and a pool; knows no table but the engine's.
 */

export { adminResource } from './admin.ts';
export type { Resource, Transaction } from './api.ts';
export { createRest, type RestParts, type RestService } from './create-rest.ts';
export { emptyBody } from './empty-body.ts';
export { checkIfMatch, entityTag } from './entity-tag.ts';
export { guardedRoute, json, jsonBody, problem } from './guarded-route.ts';
export { BEFORE_ALL, type Keyed, openPage, type Page, pageOf, pageQuery, unkeyed } from './page.ts';
export { POSITION_HEADER, positionHeader, positionOf } from './position.ts';
export { RequestLimit } from './request-limit.ts';
export { streamResource } from './stream.ts';
export { topicEventsResource } from './topic-events.ts';
export { unsubscribeResource } from './unsubscribe.ts';
export { idParams, moment, notFound, shownMoment, text, uuid } from './validation.ts';
