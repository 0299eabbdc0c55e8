/** WebSocket handshakes: who may open a socket at all. Tokens are looked at later, as a browser can't read an HTTP 401. */

import { TidingsError } from '../errors.ts';
import type { Observe } from '../observe.ts';
import type { Crowding } from '../socket/index.ts';
import type { ConnectLimit } from './connect-limit.ts';
import { offeredToken, parseSubprotocols, selectSubprotocol } from './offered-token.ts';
import { isAllowedOrigin } from './origin.ts';
import { type Problem, problemOf, toProblem, writeProblem } from './problem.ts';
import { headerOf, type RequestHead, readHead } from './request-head.ts';
import type { HttpSettings } from './settings.ts';
import type { SocketData } from './socket-data.ts';
import type { HttpRequest, HttpResponse, us_socket_context_t } from './uws.ts';

/** What the handshake works with. */
export type UpgradeOptions = {
    readonly settings: HttpSettings;
    readonly observe: Observe;
    readonly limit: ConnectLimit;
    /** Whether there is room for one more socket. */
    readonly crowding: () => Crowding | null;
    /** False once a stop has begun. */
    readonly isOpen: () => boolean;
};

const VERSION = '13';
const HOLD_MS = 1000;
const MOST_HELD = 1000;
/** Until another server has taken over. */
const STOPPING = {
    reason: 'stopping',
    message: 'expected a server that is not about to stop',
    retryAfterMs: 1000,
};

/** The handler of upgrades. Decides at once, so that nothing can happen between the request and its answer. */
export function createUpgrade(options: UpgradeOptions) {
    const { settings, observe } = options;
    const hold = createHold();

    return (res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void => {
        let gone = false;
        res.onAborted(() => {
            gone = true;
        });
        const head = readHead(res, req, settings.trustProxy);
        const refusal = refusalOf(head, options);
        if (refusal !== null) {
            observe({ type: 'socket.refused', reason: refusal.reason, address: head.address });
            const answer = () => {
                if (!gone) writeProblem(res, refusal.problem);
            };
            if (refusal.isHeld) hold(answer);
            else answer();
            return;
        }
        const subprotocols = parseSubprotocols(headerOf(head.headers, 'sec-websocket-protocol'));
        const offered = offeredToken(headerOf(head.headers, 'authorization'), subprotocols, head.query);
        const data: SocketData = { ...offered, address: head.address, session: null, wire: null };
        const key = headerOf(head.headers, 'sec-websocket-key');
        const extensions = headerOf(head.headers, 'sec-websocket-extensions');
        res.upgrade(data, key, selectSubprotocol(subprotocols), extensions, context);
    };
}

/** Has things done a second later, unless too many wait: whoever comes back as soon as it is refused then does so once a second. */
function createHold(): (run: () => void) => void {
    let held = 0;
    return (run) => {
        if (held >= MOST_HELD) {
            run();
            return;
        }
        held += 1;
        setTimeout(() => {
            held -= 1;
            run();
        }, HOLD_MS).unref();
    };
}

/** `isHeld`: answered a second later. */
type Refusal = { readonly reason: string; readonly problem: Problem; readonly isHeld?: boolean };

function refusalOf(head: RequestHead, { settings, limit, crowding, isOpen }: UpgradeOptions): Refusal | null {
    const { headers, address } = head;
    const version = headerOf(headers, 'sec-websocket-version');
    if (version !== VERSION || headerOf(headers, 'upgrade').toLowerCase() !== 'websocket') return refuseVersion();
    if (!isAllowedOrigin(headerOf(headers, 'origin'), headerOf(headers, 'host'), settings.corsOrigins)) {
        return { reason: 'origin', problem: toProblem(403, 'forbidden', 'expected an Origin of the allow-list') };
    }
    const waitMs = limit.take(address, performance.now());
    if (waitMs > 0) return { reason: 'connect_rate', problem: problemOf(tooOften(waitMs)), isHeld: true };
    const crowded = isOpen() ? crowding() : STOPPING;
    if (crowded === null) return null;
    const { reason, message, retryAfterMs } = crowded;
    return { reason, problem: problemOf(new TidingsError('unavailable', message, { retryAfterMs })) };
}

function tooOften(retryAfterMs: number): TidingsError {
    const message = 'expected sockets from this address to be opened less often';
    return new TidingsError('rate_limited', message, { retryAfterMs });
}

/** What a plain GET on the socket's path gets, too. */
export function refuseVersion(): Refusal {
    const headers = { 'sec-websocket-version': VERSION, upgrade: 'websocket' };
    return {
        reason: 'version',
        problem: toProblem(426, 'bad_request', `expected a WebSocket upgrade of version ${VERSION}`, headers),
    };
}
