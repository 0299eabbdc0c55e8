/** What a run was: all that writers tried, what became of it, who might read, and every frame that readers got. */

/** One version of one row, written to a topic in a transaction. */
export type Write = {
    /** The transaction's name; the table keeps those that were committed. */
    readonly key: string;
    readonly topic: string;
    readonly row: number;
    readonly version: number;
};

/** A transaction as its writer saw it end: `unknown` if the connection died while it committed. */
export type Transaction = {
    readonly key: string;
    readonly writes: readonly Write[];
    readonly outcome: 'committed' | 'rolledBack' | 'unknown';
    readonly endedMs: number;
};

/** A change of who may read a topic. `fromMs` and `toMs`: when the change was begun, and when its commit had returned. */
export type AccessChange = {
    readonly userId: string;
    readonly topic: string;
    readonly may: boolean;
    readonly fromMs: number;
    readonly toMs: number;
};

/** A frame, or the end of a connection, as a reader took it in. `since` is what it had asked for. */
export type Item =
    | {
          readonly kind: 'subscribed';
          readonly seq: number;
          readonly epoch: string;
          readonly outcome: string;
          readonly since: number | null;
          readonly atMs: number;
      }
    | {
          readonly kind: 'event';
          readonly seq: number;
          readonly id: string;
          readonly key: string;
          readonly row: number;
          readonly version: number;
          readonly atMs: number;
      }
    | {
          readonly kind: 'reset';
          readonly seq: number;
          readonly epoch: string;
          readonly reason: string;
          readonly atMs: number;
      }
    | { readonly kind: 'unsubscribed'; readonly reason: string; readonly atMs: number }
    | { readonly kind: 'forbidden'; readonly atMs: number }
    | { readonly kind: 'ended'; readonly code: number; readonly atMs: number };

/** What one reader saw of one topic, in the order it came. */
export type Reading = {
    readonly reader: string;
    readonly userId: string;
    readonly topic: string;
    readonly items: Item[];
};

/** A fault: when it was done, and when it was over (a frozen server thawed, a hole closed). */
export type Fault = { readonly kind: string; readonly fromMs: number; readonly toMs: number };

/** Everything a run leaves behind, in this process's time. */
export type History = {
    readonly transactions: Transaction[];
    readonly access: AccessChange[];
    readonly readings: Reading[];
    readonly faults: Fault[];
};

/** One row of the stream, read when all was quiet. `epochFrom` rises with every epoch. */
export type Logged = {
    readonly gseq: number;
    readonly topic: string;
    readonly seq: number;
    readonly id: string;
    /** `tidings.reset` stands where something was lost. */
    readonly event: string;
    readonly key: string;
    readonly row: number;
    readonly version: number;
};

/** What the database says afterwards. */
export type Outcome = {
    readonly log: readonly Logged[];
    /** Keys of the transactions that were committed. */
    readonly committed: ReadonlySet<string>;
    /** The version of every row, and the topic it is of. */
    readonly table: ReadonlyMap<number, { readonly topic: string; readonly version: number }>;
    /** Events up to this place in the stream are of an epoch before the last. */
    readonly epochs: readonly { readonly gseq: number; readonly epoch: string }[];
    /** Statements whose capture failed: their events are missing, and resets must say so. */
    readonly captureErrors: number;
};

/** A history without anything in it. */
export function emptyHistory(): History {
    return { transactions: [], access: [], readings: [], faults: [] };
}
