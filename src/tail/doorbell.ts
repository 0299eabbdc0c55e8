/** LISTEN, kept up for as long as the server lives. A ring is a hint and carries no data. */

import type { Observe } from '../observe.ts';
import { createPause } from '../pause.ts';
import type { Service } from '../service.ts';
import { type Listener, openListener } from './listener.ts';

export type DoorbellOptions = {
    readonly url: string;
    /** What to do when a channel rings. Every one is called too when the connection (re)starts: a ring may have been missed. */
    readonly channels: Readonly<Record<string, () => void>>;
    readonly observe: Observe;
    /** How often the connection is asked whether it lives and listens. */
    readonly heartbeatMs?: number;
    /** How long such an answer may take. */
    readonly answerWithinMs?: number;
};

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2000;

/** Makes the doorbell. States: `connecting → live → connecting …  → stopped`. */
export function createDoorbell(options: DoorbellOptions): Service {
    const { url, channels, observe, heartbeatMs = 10_000, answerWithinMs = 4000 } = options;
    const pause = createPause();
    let current: Listener | undefined;
    let attempt = 0;
    let running: Promise<void> | undefined;

    function ringAll(): void {
        for (const ring of Object.values(channels)) {
            ring();
        }
    }

    function onRing(channel: string): void {
        observe({ type: 'doorbell.rang', channel });
        channels[channel]?.();
    }

    /** Listens until the connection is over; answers why. */
    async function listen(): Promise<Error> {
        current = openListener({ url, channels: Object.keys(channels), heartbeatMs, answerWithinMs, onRing });
        await current.ready;
        attempt = 0;
        observe({ type: 'doorbell.state', state: 'live' });
        ringAll();
        return current.ended;
    }

    async function loop(): Promise<void> {
        while (!pause.ended) {
            observe({ type: 'doorbell.state', state: 'connecting' });
            const error = await listen().catch((thrown: unknown) => thrown);
            if (pause.ended) break;
            observe({ type: 'doorbell.failed', error });
            await pause.wait(Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + Math.random() / 2));
            attempt += 1;
        }
        observe({ type: 'doorbell.state', state: 'stopped' });
    }

    return {
        name: 'doorbell',
        async start() {
            running ??= loop();
        },
        async stop() {
            pause.end();
            current?.close();
            await running;
        },
    };
}
