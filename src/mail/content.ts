/** What a mail tells, as one row of `tidings.digest_mails` gives it. All texts are as users wrote them: clean and escape them. */

/** An entry of the inbox: one notification, or several of one group. */
export type MailEntry = {
    readonly id: string;
    readonly type: string;
    readonly title: string;
    readonly body: string | null;
    /** Absolute, or a path below `PUBLIC_URL`. */
    readonly url: string | null;
    /** How many notifications it stands for. */
    readonly count: number;
    /** Names of who did it, the latest first. */
    readonly actors: readonly string[];
    /** ISO 8601. */
    readonly at: string;
    readonly critical: boolean;
};

/** The entries of one topic. */
export type MailGroup = {
    readonly topic: string | null;
    readonly title: string | null;
    readonly entries: readonly MailEntry[];
    /** Entries left out. */
    readonly more: number;
};

/** Whom a mail is for. `locale` is as the people view has it: a BCP 47 tag or a POSIX name. */
export type MailReader = {
    readonly userId: string;
    readonly email: string;
    readonly name: string | null;
    readonly locale: string | null;
    readonly timeZone: string;
};

export type MailKind = 'instant' | 'hourly' | 'daily' | 'weekly' | 'manual';

/** One mail. `key` is the same whenever this mail is made, and no other mail's. */
export type MailContent = {
    readonly digestId: string;
    readonly key: string;
    readonly kind: MailKind;
    readonly period: string;
    readonly to: MailReader;
    readonly count: number;
    /** By type, the largest first: "3 assigned to you", in the reader's language. */
    readonly summary: readonly { readonly type: string; readonly count: number; readonly text: string }[];
    readonly groups: readonly MailGroup[];
};
