/** A simple SQL prompt: statements end with `;`, `\q` or end of input leaves. */

import { createInterface } from 'node:readline/promises';
import type { Sql } from 'postgres';
import { messageOf } from '../errors.ts';
import { runStatement } from './statement.ts';
import type { Terminal } from './terminal.ts';

/** Where a prompt reads and writes. */
export type PromptStreams = { readonly input: NodeJS.ReadableStream; readonly output: NodeJS.WritableStream };

/** Runs statements as they are typed, until the end; one that fails is told and the next may come. */
export async function runPrompt(
    sql: Sql,
    terminal: Terminal,
    json: boolean,
    { input, output }: PromptStreams = { input: process.stdin, output: process.stdout },
): Promise<void> {
    const lines = createInterface({ input, output, prompt: 'tidings=> ' });
    let text = '';
    lines.prompt();
    for await (const line of lines) {
        if (line.trim() === '\\q') break;
        text += `${line}\n`;
        if (line.trimEnd().endsWith(';')) {
            await runStatement(sql, terminal, { text, json }).catch((error: unknown) => terminal.err(messageOf(error)));
            text = '';
        }
        lines.setPrompt(text.trim() === '' ? 'tidings=> ' : 'tidings-> ');
        lines.prompt();
    }
    lines.close();
}
