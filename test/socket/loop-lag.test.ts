import { expect, test } from 'vitest';
import { LoopLag, TICK_MS } from '../../src/socket/loop-lag.ts';
import { createBench } from './bench-of-sockets.ts';

/** The lag after ticks that came so late each. */
function lagAfter(...lateMs: number[]): number {
    const lag = new LoopLag();
    let nowMs = 5;
    lag.tick(nowMs);
    for (const late of lateMs) {
        nowMs += TICK_MS + late;
        lag.tick(nowMs);
    }
    return lag.ms;
}

test('is the median lateness of the last five ticks', () => {
    expect(lagAfter(0, 0, 0, 0, 0)).toBe(0);
    expect(lagAfter(10, 900, 20, 800, 30)).toBe(30);
    expect(lagAfter(900, 900, 900, 900, 900, 10, 20, 30)).toBe(30);
});

test('one long pause is none, and neither is a start', () => {
    expect(lagAfter(0, 0, 5000, 0, 0)).toBe(0);
    expect(lagAfter(5000, 5000, 5000, 5000)).toBe(0);
});

test('while it is above the limit nobody is let in; those inside stay, and others come again when it is over', async () => {
    const { sessions, clock, join } = createBench({ wsMaxLagMs: 250 });
    const { say, wire } = await join('ann');
    async function tick(lateMs: number): Promise<void> {
        await clock.pass(TICK_MS + lateMs);
        sessions.tick();
    }
    for (let n = 0; n < 6; n += 1) await tick(250);
    expect(sessions.crowd.crowding()).toBeNull();
    for (let n = 0; n < 3; n += 1) await tick(251);
    expect(sessions.crowd.crowding()).toMatchObject({ reason: 'lagging', retryAfterMs: 3500 });
    expect(() => sessions.crowd.refuse()).toThrow(expect.objectContaining({ code: 'unavailable', retryAfterMs: 3500 }));
    await say({ type: 'ping' });
    expect(wire.frames.at(-1)).toEqual({ type: 'pong' });
    for (let n = 0; n < 3; n += 1) await tick(0);
    expect(sessions.crowd.crowding()).toBeNull();
});
