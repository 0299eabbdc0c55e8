/** What strangers can cause as often as they like: the first is told of at once, those that follow together, now and then. */

/** What a register works with. */
export type BurstsPorts<Thing> = {
    /** How long those that follow are gathered. */
    readonly spanMs: number;
    /** Runs something later; the clock is the caller's. */
    readonly after: (delayMs: number, run: () => void) => void;
    /** Told of the latest of those gathered, and how many they were. */
    readonly tell: (latest: Thing, gathered: number) => void;
};

type Burst<Thing> = { latest: Thing | null; gathered: number };

/** `quiet ──note──▶ gathering ──a span with none──▶ quiet`, for each kind. A kind is remembered while it goes on. */
export class Bursts<Thing> {
    readonly #ports: BurstsPorts<Thing>;
    readonly #open = new Map<string, Burst<Thing>>();

    constructor(ports: BurstsPorts<Thing>) {
        this.#ports = ports;
    }

    /** Whether this one is to be told of by the caller, at once. */
    note(kind: string, thing: Thing): boolean {
        const burst = this.#open.get(kind);
        if (burst === undefined) {
            this.#gather(kind);
            return true;
        }
        burst.latest = thing;
        burst.gathered += 1;
        return false;
    }

    #gather(kind: string): void {
        const burst: Burst<Thing> = { latest: null, gathered: 0 };
        this.#open.set(kind, burst);
        this.#ports.after(this.#ports.spanMs, () => {
            this.#open.delete(kind);
            if (burst.latest === null) return;
            this.#gather(kind);
            this.#ports.tell(burst.latest, burst.gathered);
        });
    }
}
