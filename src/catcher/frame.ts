/**
 * The HTML of a mail as a document of its own, for a sandboxed frame.
 *
 * It may look as it likes and do nothing: no script, form, frame or plugin, nothing from elsewhere, an origin of its own.
 * Its links open in a new tab, so that one can follow them while testing.
 */

import type { Content } from './content.ts';

/** For the frame's attribute, and for the policy of one who opens the document without the frame. */
export const FRAME_SANDBOX = 'allow-popups allow-popups-to-escape-sandbox';

/** What the document may do. */
export const FRAME_POLICY = [
    `sandbox ${FRAME_SANDBOX}`,
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
].join('; ');

/** Writes the document, empty if the mail has no HTML. */
export function frameDocument(content: Content | null): string {
    return `<!doctype html><base target="_blank">${inert(content?.html ?? '')}`;
}

/**
 * Elements for which browsers connect ahead of the policy's refusal (seen in Chromium 156: `link rel=preconnect`, frames),
 * which tells a stranger that the mail is being read. They become unknown ones.
 */
const CONNECTING = /<(?=(?:link|i?frame|fencedframe|portal|object|embed)\b)/gi;

function inert(html: string): string {
    return html.replace(CONNECTING, '<no-');
}
