/** The worker: mails that are due, claimed and sent. */

export { createDigests, type Digests, type DigestsOptions, type Sent } from './digests.ts';
export { createWorker } from './worker.ts';
