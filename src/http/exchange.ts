/** One HTTP request and its answer: answered exactly once, never after the client has gone. */

import { TidingsError } from '../errors.ts';
import { BodyStream } from './body-stream.ts';
import { type Problem, statusLine, writeProblem, writeProblemHead } from './problem.ts';
import type { HttpResponse } from './uws.ts';

/** What a body is read with. */
export type BodyOptions = {
    readonly mostBytes: number;
    readonly deadlineMs: number;
    /** May throw to refuse what has come. */
    readonly take: (bytes: number) => void;
};

/** Wraps a response for as long as it takes. Make it first thing in a handler: it looks out for the client's end. */
export class Exchange {
    readonly #res: HttpResponse;
    readonly #controller = new AbortController();
    readonly #stallDeadlineMs: number;
    #state: 'waiting' | 'streaming' | 'ended' = 'waiting';

    /** A client that takes nothing of a stream for `stallDeadlineMs` is cut off. */
    constructor(res: HttpResponse, stallDeadlineMs: number) {
        this.#res = res;
        this.#stallDeadlineMs = stallDeadlineMs;
        res.onAborted(() => {
            this.#state = 'ended';
            this.#controller.abort();
        });
    }

    /** Aborted when the client has gone or the deadline for the answer has passed. */
    get signal(): AbortSignal {
        return this.#controller.signal;
    }

    /**
     * Collects the body, telling `take` of every piece.
     *
     * @throws TidingsError `too_large` over `mostBytes`; `bad_request` if it is not there by the deadline; what `take` throws.
     */
    readBody({ mostBytes, deadlineMs, take }: BodyOptions): Promise<Buffer> {
        return new Promise((resolve, reject) => {
            const chunks: Buffer[] = [];
            let size = 0;
            let isOver = false;
            // What comes later is neither kept nor counted.
            const fail = (error: unknown) => {
                isOver = true;
                clearTimeout(timer);
                chunks.length = 0;
                reject(error);
            };
            const timer = setTimeout(() => {
                fail(new TidingsError('bad_request', `expected the whole body within ${deadlineMs} ms`));
            }, deadlineMs);
            this.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
            this.#res.onData((lent, last) => {
                if (isOver) return;
                try {
                    size += lent.byteLength;
                    if (size > mostBytes) throw tooLarge(mostBytes);
                    take(lent.byteLength);
                } catch (error) {
                    fail(error);
                    return;
                }
                chunks.push(Buffer.copyBytesFrom(new Uint8Array(lent)));
                if (!last) return;
                clearTimeout(timer);
                resolve(Buffer.concat(chunks));
            });
        });
    }

    /** Answers with a problem, unless an answer has begun. */
    refuse(problem: Problem): void {
        if (this.#state === 'streaming') this.#res.close();
        if (this.#state !== 'waiting') return;
        this.#state = 'ended';
        writeProblem(this.#res, problem);
        this.#controller.abort();
    }

    /**
     * Answers with a problem and drops the connection, at once: nobody can say where a next request on it would begin, and
     * after a mere `end` uWebSockets.js would look for one in what has come already.
     */
    cut(problem: Problem): void {
        this.#state = 'ended';
        this.#res.cork(() => {
            writeProblemHead(this.#res, problem);
            this.#res.write(problem.body.padEnd(CORKED_BYTES + 1));
        });
        this.#res.close();
    }

    /** Ends an answer that would go on for ever. */
    hangUp(): void {
        if (this.#state !== 'streaming') return;
        this.#state = 'ended';
        this.#end();
        this.#controller.abort();
    }

    /** Answers. Event streams go out as they come, everything else at once. */
    async answer(response: Response, withBody: boolean): Promise<void> {
        if (this.#isEnded()) await response.body?.cancel();
        else if (!withBody || response.body === null) await this.#answerEmpty(response, withBody);
        else if (isEventStream(response)) await this.#stream(response, response.body);
        else await this.#answerWhole(response);
    }

    async #answerWhole(response: Response): Promise<void> {
        const body = Buffer.from(await response.arrayBuffer());
        if (this.#isEnded()) return;
        this.#state = 'ended';
        this.#res.cork(() => {
            this.#writeHead(response);
            this.#res.end(body);
        });
    }

    /** A HEAD answer says the length its handler said, or none; 204 and 304 have none; everything else has none to come. */
    async #answerEmpty(response: Response, withBody: boolean): Promise<void> {
        this.#state = 'ended';
        const said = response.headers.get('content-length');
        const lengthless = response.status === 204 || response.status === 304 || !(withBody || said);
        this.#res.cork(() => {
            this.#writeHead(response);
            if (lengthless) this.#res.endWithoutBody();
            else this.#res.endWithoutBody(withBody ? 0 : Number(said));
        });
        await response.body?.cancel();
    }

    /**
     * Its connection ends with it: a client that comes back must not come back to a server that stops. The header says so at
     * once, as `end(…, true)` would write it into the body.
     */
    async #stream(response: Response, body: ReadableStream<Uint8Array>): Promise<void> {
        this.#state = 'streaming';
        const out = new BodyStream(this.#res, { signal: this.signal, stallDeadlineMs: this.#stallDeadlineMs });
        this.#res.cork(() => {
            this.#writeHead(response);
            this.#res.writeHeader('connection', 'close');
        });
        await out.send(body);
        if (this.#isEnded()) return;
        this.#state = 'ended';
        this.#end();
    }

    #end(): void {
        this.#res.cork(() => void this.#res.end());
    }

    #writeHead(response: Response): void {
        this.#res.writeStatus(statusLine(response.status));
        for (const [name, value] of response.headers) if (!OWN_HEADERS.has(name)) this.#res.writeHeader(name, value);
    }

    #isEnded(): boolean {
        return this.#state === 'ended';
    }
}

/** The refusal of a body. */
export function tooLarge(mostBytes: number): TidingsError {
    return new TidingsError('too_large', `expected a body of at most ${mostBytes} bytes, got more`);
}

function isEventStream(response: Response): boolean {
    return response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}

/** What uWebSockets.js gathers before it hands over; what it has gathered when a connection is dropped is lost. */
const CORKED_BYTES = 16 * 1024;

/** Written by uWebSockets.js itself, or about a connection that is not the handler's. */
const OWN_HEADERS = new Set(['content-length', 'transfer-encoding', 'connection', 'date']);
