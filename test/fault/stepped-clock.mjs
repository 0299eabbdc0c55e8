/**
 * Preloaded into a server process: its wall clock is off by as many milliseconds as stand in the file STEPPED_CLOCK.
 *
 * Covers what reads the time through `Date`. Timers and `performance.now()` run on the monotone clock, which a step of the
 * wall clock leaves alone, here as in life.
 */

import { readFileSync, watchFile } from 'node:fs';

const file = process.env['STEPPED_CLOCK'] ?? '';
const RealDate = Date;
const realNow = Date.now.bind(Date);
let offsetMs = 0;

function read() {
    offsetMs = Number(readFileSync(file, 'utf8'));
}

class SteppedDate extends RealDate {
    constructor(...given) {
        if (given.length === 0) super(realNow() + offsetMs);
        else super(...given);
    }

    static now() {
        return realNow() + offsetMs;
    }
}

globalThis.Date = SteppedDate;
read();
watchFile(file, { interval: 50, persistent: false }, read);
