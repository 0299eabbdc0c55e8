/** Which web pages may open a socket. A browser sends Origin with every upgrade and no cookie protects us otherwise. */

/**
 * Whether an upgrade with this Origin (empty: none) is let in: no browser, the page we serve ourselves, or one of
 * `allowed`. Compared whole and exactly: no suffix, case or port passes for another, and `null` is nobody's origin.
 */
export function isAllowedOrigin(origin: string, host: string, allowed: readonly string[]): boolean {
    if (origin === '') return true;
    if (origin === 'null') return false;
    if (host !== '' && (origin === `http://${host}` || origin === `https://${host}`)) return true;
    return allowed.includes(origin);
}
