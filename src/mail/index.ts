/**
 * Mails: what SQL says a mail tells, made a message, sent over SMTP.
 *
 *     content ─▶ outline (worded, cleaned) ─▶ text, HTML ─▶ message (headers, DKIM) ─▶ gate ─▶ SMTP ─▶ outcome
 *
 * Invariants: what users wrote is escaped and can't become a header, markup or a link to anything but http and https; a
 * message has one recipient; a mail whose end was sent is never sent again. Knows no database. Depends on event, errors
 * and nodemailer.
 */

export { readSender } from './address.ts';
export type { MailContent } from './content.ts';
export { readDkim } from './dkim.ts';
export type { Begin } from './gate.ts';
export { type Html, html, markupOf, verbatim } from './html.ts';
export { createMailer, type Mailer } from './mailer.ts';
export { composeMessage } from './message.ts';
export { renderMail } from './render-mail.ts';
export { createSendMail, createWriteMail, type MailSent, type WriteMail } from './send-mail.ts';
export { createUnsubscribe } from './unsubscribe.ts';
