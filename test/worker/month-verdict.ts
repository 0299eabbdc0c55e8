/** Holds the mails that arrived against those that had to. */

import { createHash } from 'node:crypto';
import type { Expected, ExpectedMail } from './month-model.ts';

/** A mail as the mail server got it. */
export type ArrivedMail = {
    readonly tickMs: number;
    readonly messageId: string;
    readonly to: string;
    readonly numbers: readonly number[];
};

/** What is wrong with them; empty: nothing is. */
export function judgeMails({ mails }: Expected, arrived: readonly ArrivedMail[], domain: string): readonly string[] {
    const missing = new Map(mails.map((mail) => [messageIdOf(mail.key, domain), mail]));
    const seen = new Set<string>();
    const toldIn = new Map<number, string>();
    const problems: string[] = [];
    for (const mail of arrived) {
        const { messageId, tickMs } = mail;
        const expected = missing.get(messageId);
        const what = `${expected?.key ?? `a mail to ${mail.to} telling ${mail.numbers.join(', ')}`} at ${iso(tickMs)}`;
        if (seen.has(messageId)) problems.push(`${what}: came a second time`);
        else if (expected === undefined) problems.push(`${what}: was not to come`);
        else problems.push(...differences(expected, mail).map((problem) => `${what}: ${problem}`));
        for (const number of mail.numbers) {
            if (toldIn.has(number)) problems.push(`${what}: tells ${number} again`);
            toldIn.set(number, messageId);
        }
        seen.add(messageId);
        missing.delete(messageId);
    }
    for (const { key, tickMs } of missing.values()) problems.push(`${key}: did not come, expected at ${iso(tickMs)}`);
    return problems;
}

function differences(expected: ExpectedMail, mail: ArrivedMail): readonly string[] {
    const problems: string[] = [];
    if (mail.to !== `${expected.userId}@example.org`) problems.push(`went to ${mail.to}`);
    if (mail.tickMs !== expected.tickMs) problems.push(`expected at ${iso(expected.tickMs)}`);
    const told = mail.numbers.join(', ');
    if (told !== expected.numbers.join(', ')) problems.push(`tells ${told}, expected ${expected.numbers.join(', ')}`);
    return problems;
}

const iso = (ms: number) => new Date(ms).toISOString();

function messageIdOf(key: string, domain: string): string {
    return `<tidings.${createHash('sha256').update(key).digest('hex').slice(0, 40)}@${domain}>`;
}
