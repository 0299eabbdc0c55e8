/** The worker: mails that are due, claimed and sent. */

export { createMailing, type Mailing } from './mailing.ts';
export type { Preview } from './preview.ts';
