/** How sending a mail ended, told from what the server said and how far we had got. */

import { messageOf } from '../errors.ts';
import { oneLine } from './clean-text.ts';

export type SendOutcome =
    /** The server took it on. */
    | { readonly type: 'sent'; readonly response: string }
    /** Certainly not accepted, and not the reader's fault: try again. */
    | { readonly type: 'retry'; readonly reason: string }
    /** Refused for good. `of`: whether their address is no good, or only this mail. `code` is SMTP's. */
    | {
          readonly type: 'rejected';
          readonly reason: string;
          readonly code: number | null;
          readonly of: 'recipient' | 'message';
      }
    /** Its end was sent and no answer came: it may have been accepted. Never to be sent again. */
    | { readonly type: 'unknown'; readonly reason: string }
    /** `begin` said no; certainly not accepted. */
    | { readonly type: 'withdrawn' };

/** What nodemailer says of a failure. `response` is the server's answer, if one came. */
type Failure = {
    readonly code?: unknown;
    readonly command?: unknown;
    readonly responseCode?: unknown;
    readonly response?: unknown;
};

// Not known, not in this order, not without a login, not encrypted enough: what we did, not whom we wrote to.
const OURS = new Set([500, 502, 503, 504, 523, 530, 534, 535, 538, 555]);
const NO_SUCH_RECIPIENT = new Set([550, 551, 553, 556]);
const POLICY = /relay|auth|denied|block|spam|polic|reputation|spf|dkim|dmarc|\brate\b|sender/i;
const LONGEST_REASON = 300;

/** The outcome of a failed try. `passed`: the end of the data may have reached the server. */
export function outcomeOf(error: unknown, passed: boolean): SendOutcome {
    const { code, command, responseCode, response } = error instanceof Error ? (error as Failure) : {};
    const reason = oneLine(messageOf(error), LONGEST_REASON);
    const answer = typeof responseCode === 'number' && responseCode >= 400 && responseCode < 600 ? responseCode : null;
    if (answer === null) {
        if (passed) return { type: 'unknown', reason };
        // Not even offered to the server: an address or a size it can't take.
        if (code === 'EENVELOPE') return { type: 'rejected', reason, code: null, of: 'recipient' };
        if (code === 'EMESSAGE' && command === 'MAIL FROM')
            return { type: 'rejected', reason, code: null, of: 'message' };
        return { type: 'retry', reason };
    }
    if (answer < 500 || OURS.has(answer)) return { type: 'retry', reason };
    const of = whoseFault(String(command), answer, String(response));
    return of === 'ours' ? { type: 'retry', reason } : { type: 'rejected', reason, code: answer, of };
}

/** Of a permanent answer, by its enhanced code (RFC 3463) if there is one. */
function whoseFault(command: string, answer: number, response: string): 'ours' | 'recipient' | 'message' {
    if (command !== 'RCPT TO' && command !== 'DATA') return 'ours';
    const [, enhanced, subject] = /^\d{3}[ -](5\.(\d{1,3})\.\d{1,3})(?!\S)/.exec(response) ?? [];
    if (enhanced === '5.1.7' || enhanced === '5.1.8') return 'ours';
    if (subject === '1' || enhanced === '5.2.1') return 'recipient';
    if (command === 'DATA') return 'message';
    // At RCPT nobody has seen the mail: a policy is about us.
    if (subject === '7') return 'ours';
    if (subject !== undefined) return 'message';
    if (POLICY.test(response)) return 'ours';
    return NO_SUCH_RECIPIENT.has(answer) ? 'recipient' : 'message';
}
