/** The worker: mails that are due, claimed and sent. */

export { createMailing } from './mailing.ts';
