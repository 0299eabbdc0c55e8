/** Rows as a text table. */

const CONTROL = /\p{Cc}/gu;
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A header, a rule and a line per row; null is empty. Control characters are written out, so that no value can paint. */
export function tableOf(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): readonly string[] {
    const cells = [columns, ...rows].map((row) => row.map((cell) => shown(cell ?? '')));
    const widths = columns.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
    const lines = cells.map((row) =>
        row
            .map((cell, at) => cell.padEnd(widths[at] ?? 0))
            .join(' | ')
            .trimEnd(),
    );
    const rule = widths.map((width) => '-'.repeat(width)).join('-+-');
    return [lines[0] ?? '', rule, ...lines.slice(1)];
}

function shown(text: string): string {
    return text.replace(CONTROL, (character) => {
        return ESCAPES[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
    });
}
