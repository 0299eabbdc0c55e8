/** A digest as subject, text and HTML. */

import type { MailContent } from './content.ts';
import { htmlPart } from './html-part.ts';
import { type MailLinks, outlineOf } from './outline.ts';
import { textPart } from './text-part.ts';

export type RenderedMail = { readonly subject: string; readonly text: string; readonly html: string };

/** Writes a mail. Pure; what users wrote can neither add a header nor markup, nor lead to anything but http and https. */
export function renderMail(content: MailContent, links: MailLinks): RenderedMail {
    const outline = outlineOf(content, links);
    return { subject: outline.subject, text: textPart(outline), html: htmlPart(outline) };
}
