/** Requests to `fetch` and its responses back: every request is answered, whatever the handler does. */

import { TidingsError } from '../errors.ts';
import type { Observe } from '../observe.ts';
import { createTurnstile } from '../socket/index.ts';
import { BodyBudget, type BodyShare } from './body-budget.ts';
import { Exchange, tooLarge } from './exchange.ts';
import { problemOf, toProblem } from './problem.ts';
import { framingFault, headerOf, type RequestHead, readHead, toRequest } from './request-head.ts';
import type { HttpSettings } from './settings.ts';
import type { HttpRequest, HttpResponse } from './uws.ts';

/** The REST stage as this folder knows it. */
export type Fetch = (request: Request, peer: { readonly address: string }) => Promise<Response>;

/** What a handler works with. */
export type HttpHandlerOptions = { readonly fetch: Fetch; readonly observe: Observe; readonly settings: HttpSettings };

/** A handler and the requests it has under way. */
export type HttpHandler = {
    handle(res: HttpResponse, req: HttpRequest): void;
    /** Ends event streams and resolves when nothing is under way any more. */
    finish(): Promise<void>;
};

/** One may bring a megabyte. */
const HANDLED_PER_TURN = 1;

/** Makes a handler. */
export function createHttpHandler({ fetch, observe, settings }: HttpHandlerOptions): HttpHandler {
    const underWay = new Map<Exchange, Promise<void>>();
    const budget = new BodyBudget(settings.bodiesMaxBytes);
    const turnstile = createTurnstile(HANDLED_PER_TURN);

    function handle(res: HttpResponse, req: HttpRequest): void {
        const exchange = new Exchange(res, settings.stallDeadlineMs);
        const head = readHead(res, req, settings.trustProxy);
        const fault = framingFault(head);
        if (fault !== null) {
            exchange.cut(problemOf(fault));
            return;
        }
        const work = answer(exchange, head).catch((error: unknown) => {
            if (!(error instanceof TidingsError)) observe({ type: 'handler.failed', where: 'http', error });
            exchange.refuse(problemOf(error));
        });
        underWay.set(exchange, work);
        void work.finally(() => underWay.delete(exchange));
    }

    /** Runs up to its first await within the callback: the start of the body can be had only there. */
    async function answer(exchange: Exchange, head: RequestHead): Promise<void> {
        const share = budget.share();
        try {
            const body = await untilGone(exchange.signal, readBody(exchange, head, share));
            await untilGone(exchange.signal, turnstile());
            const request = toRequest(head, body, exchange.signal);
            const response = await inTime(exchange, fetch(request, { address: head.address }));
            await exchange.answer(response, head.method !== 'HEAD');
        } finally {
            share.release();
        }
    }

    async function readBody(exchange: Exchange, head: RequestHead, share: BodyShare): Promise<Buffer | null> {
        if (head.method === 'GET' || head.method === 'HEAD') return null;
        const announced = Number(headerOf(head.headers, 'content-length'));
        if (announced > settings.bodyMaxBytes) throw tooLarge(settings.bodyMaxBytes);
        const { bodyMaxBytes: mostBytes, bodyDeadlineMs: deadlineMs } = settings;
        return await exchange.readBody({ mostBytes, deadlineMs, take: share.take });
    }

    async function inTime(exchange: Exchange, answering: Promise<Response>): Promise<Response> {
        const timer = setTimeout(() => {
            observe({
                type: 'handler.failed',
                where: 'http',
                error: new Error('expected an answer in time, got none'),
            });
            exchange.refuse(toProblem(504, 'unavailable', `expected an answer within ${settings.answerDeadlineMs} ms`));
        }, settings.answerDeadlineMs);
        try {
            return await untilGone(exchange.signal, answering);
        } catch (error) {
            // What comes too late is not read by anybody; a stream would wait for ever.
            void answering.then((late) => late.body?.cancel()).catch(() => undefined);
            throw error;
        } finally {
            clearTimeout(timer);
        }
    }

    async function finish(): Promise<void> {
        while (underWay.size > 0) {
            for (const exchange of underWay.keys()) exchange.hangUp();
            await Promise.race(underWay.values());
        }
    }

    return { handle, finish };
}

/** What `work` comes to, unless nobody waits for it any more. */
function untilGone<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
        const gone = () => reject(new TidingsError('unavailable', 'expected the client to wait for its answer'));
        signal.addEventListener('abort', gone, { once: true });
        work.then(resolve, reject).finally(() => signal.removeEventListener('abort', gone));
    });
}
