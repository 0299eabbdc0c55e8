/** The WebSocket side of the app: hands what uWebSockets.js calls to sessions, each call behind the guard. */

import { isLoopback } from '../config.ts';
import { isPrivate } from '../network.ts';
import type { Observe } from '../observe.ts';
import { CLOSE } from '../protocol/index.ts';
import type { Session, Sessions } from '../socket/index.ts';
import { ConnectLimit } from './connect-limit.ts';
import { guard } from './guard.ts';
import { problemOf, writeProblem } from './problem.ts';
import type { HttpSettings } from './settings.ts';
import type { SocketData } from './socket-data.ts';
import { SocketWire } from './socket-wire.ts';
import { createUpgrade } from './upgrade.ts';
import { NO_COMPRESSION, type WebSocket, type WebSocketBehavior } from './uws.ts';

/** What the handlers work with. */
export type SocketHandlersOptions = {
    readonly sessions: Sessions;
    readonly observe: Observe;
    readonly settings: HttpSettings;
    readonly isOpen: () => boolean;
};

type Socket = WebSocket<SocketData>;

/** Bytes beyond which uWebSockets.js drops by itself: a net under our own account, which stops earlier. */
const NET_BYTES = 1024 * 1024;
const MOST_BYTES = 2 ** 31 - 1;
const ABNORMAL = 1006;
/** What uWebSockets.js says of frames it can't read; it has other words for silence, and mostly none for who just left. */
const UNREADABLE = /^Received (?!TCP FIN)/;
const OFFENCES = new Set<number>([CLOSE.protocolViolation, CLOSE.noAuthInTime, CLOSE.rateLimited]);

/** The behaviour of the socket route. */
export function createSocketHandlers({
    sessions,
    observe,
    settings,
    isOpen,
}: SocketHandlersOptions): WebSocketBehavior<SocketData> {
    const limitBytes = settings.wsMaxBackpressureBytes;
    const limit = new ConnectLimit(settings.wsConnectRate, settings.trustProxy === 0 ? isPrivate : isLoopback);

    function open(ws: Socket): void {
        const data = ws.getUserData();
        data.wire = new SocketWire(ws, data.address, limitBytes);
        data.session = sessions.open(data.wire, data.token, data.where);
    }

    function message(ws: Socket, lent: ArrayBuffer, isBinary: boolean): void {
        const { session } = ws.getUserData();
        if (isBinary) session?.receiveBinary();
        else session?.receive(Buffer.from(lent).toString());
    }

    /** Nothing may be closed from within uWebSockets.js's own callback, so the session hears of it a moment later. */
    function drain(ws: Socket): void {
        const { session } = ws.getUserData();
        setImmediate(guard('socket.drained', observe, () => session?.drained()));
    }

    function close(ws: Socket, code: number, reason: ArrayBuffer): void {
        const { wire, session, address } = ws.getUserData();
        wire?.ended();
        session?.gone(code);
        if (isOffence(code, reason, session)) limit.punish(address, performance.now());
    }

    function breakOff(ws: Socket): void {
        ws.getUserData().session?.close(CLOSE.internal, 'internal');
    }

    return {
        compression: NO_COMPRESSION,
        maxPayloadLength: settings.wsMaxMessageBytes ?? MOST_BYTES,
        maxBackpressure: limitBytes === null ? 0 : Math.min(MOST_BYTES, 2 * limitBytes + NET_BYTES),
        idleTimeout: idleTimeoutSeconds(settings.heartbeatMs),
        sendPingsAutomatically: true,
        upgrade: guard(
            'socket.upgrade',
            observe,
            createUpgrade({
                settings,
                observe,
                limit,
                crowding: () => sessions.crowd.crowding(),
                isOpen,
            }),
            (res) => writeProblem(res, problemOf(null)),
        ),
        open: guard('socket.open', observe, open, breakOff),
        message: guard('socket.message', observe, message, breakOff),
        drain: guard('socket.drain', observe, drain),
        ping: guard('socket.ping', observe, (ws: Socket) => ws.getUserData().session?.pinged()),
        pong: guard('socket.pong', observe, (ws: Socket) => ws.getUserData().session?.ponged()),
        close: guard('socket.close', observe, close),
    };
}

/** Whether a socket was closed for what its peer did. A token that expires is no offence, and neither is leaving or being slow. */
function isOffence(code: number, reason: ArrayBuffer, session: Session | null): boolean {
    if (code === ABNORMAL) return UNREADABLE.test(Buffer.from(reason).toString());
    if (code === CLOSE.unauthorized) return session?.isIdentified === false;
    return OFFENCES.has(code);
}

/**
 * uWebSockets.js pings 8 or 16 seconds before this runs out and closes when it has: with 40 s, a ping after 24 s of
 * silence and the end after 40. It counts in steps of 4 s and takes no less than 8.
 */
function idleTimeoutSeconds(heartbeatMs: number): number {
    return Math.max(8, Math.round((1.6 * heartbeatMs) / 4000) * 4);
}
