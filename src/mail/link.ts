/** Where the links of a mail lead. */

const LONGEST = 2000;

/**
 * The address an entry links to: http or https, a path resolved below `publicUrl`. Null if there is none, or one that a
 * reader shouldn't be led to.
 */
export function linkOf(url: string | null, publicUrl: string): string | null {
    if (url === null || url === '' || url.length > LONGEST) return null;
    const written = /^\/(?![/\\])/.test(url) ? below(publicUrl, url) : url;
    if (!URL.canParse(written)) return null;
    const link = new URL(written);
    const isWeb = link.protocol === 'https:' || link.protocol === 'http:';
    // https://bank.example@elsewhere.example looks like another place than it is.
    return isWeb && link.username === '' && link.password === '' ? link.href : null;
}

/** A path below a base address that may have a path of its own. */
export function below(base: string, path: string): string {
    return `${base.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
}
