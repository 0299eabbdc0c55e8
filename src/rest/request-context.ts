/** What a request carries through the system: its id, its trace, and who sent it from where. */

import { randomBytes, randomUUID } from 'node:crypto';

/** Put on the response, on the transaction and so on every event the request makes. */
export type RequestContext = { readonly requestId: string; readonly traceparent: string };

// What the engine puts on an event; anything else would be lost there.
const REQUEST_ID = /^[!-~]{1,128}$/;
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Takes `X-Request-Id` and `traceparent` (W3C Trace Context) where they are well-formed, else makes them. */
export function contextOf(headers: Headers): RequestContext {
    const requestId = headers.get('x-request-id');
    const traceparent = headers.get('traceparent');
    return {
        requestId: requestId !== null && REQUEST_ID.test(requestId) ? requestId : randomUUID(),
        traceparent: traceparent !== null && TRACEPARENT.test(traceparent) ? traceparent : newTrace(),
    };
}

/** A trace nobody samples: it still ties a request to its events. */
function newTrace(): string {
    return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;
}
