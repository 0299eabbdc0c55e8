/** What is sent to a socket: right frames, nearly right ones, and noise. */

import { BINARY, CLOSE, CONTINUATION, PING, PONG, rawFrame, TEXT } from '../support/raw-frame.ts';
import type { Dice } from './dice.ts';
import { randomJson, spoilField, spoilText } from './json.ts';

/** One input. `isFatal`: its socket may be of no use any more, as what follows can be taken for a part of it. */
export type FrameInput = { readonly kind: string; readonly bytes: Buffer; readonly isFatal: boolean };

const PROJECT = '00000000-0000-4000-8000-0000000002';

/** The next input. */
export function nextFrame(dice: Dice): FrameInput {
    const share = dice.below(1000);
    if (share < 150) return whole('valid', text(dice, JSON.stringify(validFrame(dice))));
    if (share < 450) return whole('field spoilt', text(dice, JSON.stringify(spoilField(dice, validFrame(dice)))));
    if (share < 750) return whole('text spoilt', text(dice, spoilText(dice, JSON.stringify(validFrame(dice)))));
    if (share < 900) return whole('random JSON', text(dice, JSON.stringify(randomJson(dice))));
    if (share < 935) return whole('deep', text(dice, nested(dice)));
    if (share < 960) return whole('fragments', fragments(dice));
    if (share < 980) return whole('ping or pong', rawFrame(dice.pick([PING, PONG]), dice.bytes(dice.below(126))));
    if (share < 985) return fatal('binary', rawFrame(BINARY, dice.bytes(dice.below(200))));
    if (share < 990) return fatal('invalid UTF-8', rawFrame(TEXT, Buffer.concat([Buffer.from('"'), dice.bytes(8)])));
    if (share < 995) return fatal('spoilt frame', spoilBytes(dice, rawFrame(TEXT, JSON.stringify(validFrame(dice)))));
    return fatal(
        'noise',
        dice.chance(0.1) ? rawFrame(CLOSE, dice.bytes(dice.below(126))) : dice.bytes(dice.below(300)),
    );
}

function whole(kind: string, bytes: Buffer): FrameInput {
    return { kind, bytes, isFatal: false };
}

function fatal(kind: string, bytes: Buffer): FrameInput {
    return { kind, bytes, isFatal: true };
}

function text(dice: Dice, payload: string): Buffer {
    const body = Buffer.from(payload).subarray(0, 16_384);
    // What the cut has left of a character is not UTF-8.
    return rawFrame(TEXT, body.length === 16_384 ? body.toString('latin1').replace(/[^ -~]/g, '?') : body, {
        mask: [...dice.bytes(4)],
    });
}

function topicOf(dice: Dice): string {
    const project = `project:${PROJECT}0${1 + dice.below(6)}`;
    return dice.pick([project, project, `user:${dice.below(50)}`, 'nothing:1', 'project:x']);
}

function itemOf(dice: Dice): object {
    const topic = topicOf(dice);
    return dice.chance(0.3) ? { topic, since: dice.below(200), epoch: dice.pick(['1', 'k3', 'x']) } : { topic };
}

function validFrame(dice: Dice): object {
    const ref = dice.chance(0.5) ? { ref: String(dice.below(1000)) } : {};
    switch (dice.below(8)) {
        case 0:
            return { type: 'subscribe', ...itemOf(dice), ...ref };
        case 1:
            return { type: 'subscribe', topics: Array.from({ length: 1 + dice.below(5) }, () => itemOf(dice)), ...ref };
        case 2:
            return { type: 'unsubscribe', topic: topicOf(dice), ...ref };
        default:
            return { type: 'ping', ...ref };
    }
}

function nested(dice: Dice): string {
    const depth = dice.below(3000);
    const [open, close] = dice.pick([
        ['[', ']'],
        ['{"a":', '}'],
    ]);
    return `${open?.repeat(depth)}1${close?.repeat(dice.chance(0.9) ? depth : 1)}`;
}

function fragments(dice: Dice): Buffer {
    const payload = Buffer.from(JSON.stringify(spoilField(dice, validFrame(dice))).replace(/[^ -~]/g, '?'));
    const at = dice.below(payload.length);
    const between = Array.from({ length: dice.below(5) }, () =>
        dice.chance(0.5) ? rawFrame(PING, 'p') : rawFrame(CONTINUATION, '', { fin: false }),
    );
    return Buffer.concat([
        rawFrame(TEXT, payload.subarray(0, at), { fin: false }),
        ...between,
        rawFrame(CONTINUATION, payload.subarray(at)),
    ]);
}

function spoilBytes(dice: Dice, bytes: Buffer): Buffer {
    const spoilt = Buffer.from(bytes);
    for (let n = 1 + dice.below(3); n > 0; n -= 1) spoilt[dice.below(Math.min(12, spoilt.length))] = dice.below(256);
    return spoilt;
}
