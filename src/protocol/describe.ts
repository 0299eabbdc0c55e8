/** How a value that was not expected is shown in a message: short, on one line, and never a whole document. */

const SHOWN_CHARS = 60;

/** `null`, `3`, `"text"` cut to 60 characters, `a list of 3`, `an object`, `nothing`. */
export function show(value: unknown): string {
    if (value === undefined) return 'nothing';
    if (Array.isArray(value)) return `a list of ${value.length}`;
    if (typeof value === 'object' && value !== null) return 'an object';
    if (typeof value === 'string' && value.length > SHOWN_CHARS) {
        return `${JSON.stringify(value.slice(0, SHOWN_CHARS))}… (${value.length} characters)`;
    }
    return JSON.stringify(value);
}

/** Whether `text` takes more than `most` bytes of UTF-8; looks at the length first, as most texts are short. */
export function byteLengthOver(text: string, most: number): boolean {
    return text.length * 3 > most && Buffer.byteLength(text) > most;
}
