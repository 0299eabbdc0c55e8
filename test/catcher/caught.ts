/** A mail catcher on a directory of its own, and those who send to it and look at it. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SendMailOptions } from 'nodemailer';
import { createTransport } from 'nodemailer';
import { createMailCatcher, type MailCatcher } from '../../src/catcher/index.ts';
import type { Observation } from '../../src/observe.ts';

/** An answer of the page. */
export type Page = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

/** What is sent beside the path; `host` as a browser would have it, were it sent here under another name. */
export type Sent = { readonly method?: string; readonly headers?: Readonly<Record<string, string>> };

/** A started catcher. */
export type Caught = {
    readonly dir: string;
    readonly catcher: MailCatcher;
    readonly seen: readonly Observation[];
    send(mail: SendMailOptions): Promise<void>;
    get(path: string, sent?: Sent): Promise<Page>;
    /** The ids in the list, newest first. */
    ids(): Promise<readonly string[]>;
    files(): Promise<readonly string[]>;
    close(): Promise<void>;
};

/** Starts one on free ports. */
export async function openCatcher(): Promise<Caught> {
    const dir = await mkdtemp(join(tmpdir(), 'tidings-mail-'));
    const seen: Observation[] = [];
    const observe = (observation: Observation) => void seen.push(observation);
    const catcher = createMailCatcher({ dir, host: '127.0.0.1', smtpPort: 0, webPort: 0, observe });
    await catcher.start();
    const transport = createTransport(catcher.smtpUrl);
    const get = (path: string, sent?: Sent) => ask(`${catcher.url}${path}`, sent);
    return {
        dir,
        catcher,
        seen,
        get,
        async send(mail) {
            await transport.sendMail({ from: 'Tidings <tidings@localhost>', to: 'ada@example.com', ...mail });
        },
        async ids() {
            return [...(await get('/list')).body.matchAll(/href="\/mails\/(\w+)"/g)].map(([, id = '']) => id);
        },
        files: () => readdir(dir),
        async close() {
            await catcher.stop();
            await rm(dir, { recursive: true });
        },
    };
}

/** One request whose path goes out as it is written, and whose Host can be chosen. */
function ask(url: string, { method = 'GET', headers = {} }: Sent = {}): Promise<Page> {
    const [, origin = '', path = ''] = /^(http:\/\/[^/]+)(.*)$/.exec(url) ?? [];
    const { hostname, port } = new URL(origin);
    return new Promise((resolve, reject) => {
        const asking = request({ hostname, port, path, method, headers, agent: false }, (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => void chunks.push(chunk));
            response.on('error', reject);
            response.on('end', () => {
                const body = Buffer.concat(chunks).toString('utf8');
                resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
            });
        });
        asking.on('error', reject);
        asking.end();
    });
}
