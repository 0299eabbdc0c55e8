/** Text that somebody may send in place of a name: what breaks out of SQL, logs, headers, markup and terminals. */

/** By what it is aimed at. All of it is valid UTF-16 but the last two. */
export const HOSTILE: Readonly<Record<string, string>> = {
    sql: `'; drop table app.tasks; --`,
    union: `' or 1=1) union all select value::text from tidings.secret --`,
    sleep: `'||pg_sleep(30)||'`,
    identifier: `"; create role mallory superuser; --`,
    dollar: `$$; select 1; $$ $1 %s %I %L`,
    log: `ok\n{"level":60,"type":"server.stopped"}`,
    crlf: `a\r\nSet-Cookie: stolen=1\r\nBcc: eve@evil.example\r\n\r\n<p>`,
    html: `<script>alert(1)</script><img src=x onerror=alert(1)>`,
    attribute: `" onmouseover="alert(1)' x='`,
    template: '{{7*7}}#{7*7}{actor}{title}<%= 1 %>',
    ansi: '\u001b[2J\u001b]0;owned\u0007\u009b31m red \u0008\u0008',
    bidi: '\u202eelif.exe\u2066\u200f\u200b\u2028\u2029\ufeff',
    json: `","role":"owner","x":"`,
    prototype: '__proto__',
    path: '../../etc/passwd%00%2e%2e/',
    emoji: '👩🏽‍🚀𝒳🏴󠁧󠁢󠁥󠁮󠁧󠁿 e\u0301\u0323',
    formula: `=HYPERLINK("http://evil.example","x")`,
    long: 'x'.repeat(30_000),
    nul: 'a\u0000b',
    surrogate: 'a\ud800b',
};

/** What no line of a log, of a header or of a terminal may hold but its own end. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
export const CONTROL = /[\u0000-\u001f]/;

/** What a URL can't hold. */
export const LONE = /\p{Surrogate}/gu;
