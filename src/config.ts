/** The only reader of `process.env`: turns the environment into one validated, frozen value, or lists all that is wrong. */

import { readFileSync } from 'node:fs';
import { VARIABLES, type Variable } from './config/variables.ts';
import { messageOf, TidingsError } from './errors.ts';

/** The environment as the process has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
    ? `${Lowercase<Head>}${Capitalize<Camel<Tail>>}`
    : Lowercase<Name>;

type Read<V> = V extends { readonly fallback: string } & Variable<infer T>
    ? T
    : V extends Variable<infer T>
      ? T | null
      : never;

type Variables = typeof VARIABLES;
type Values = { readonly [Name in keyof Variables as Camel<Name>]: Read<Variables[Name]> };
type Derived = {
    /** Whether Tidings runs its own PostgreSQL, because `DATABASE_URL` is unset. */
    readonly embedded: boolean;
    readonly example: boolean;
    readonly devLogin: boolean;
    /** Empty: same origin only. */
    readonly corsOrigins: readonly string[];
};

/**
 * The configuration: every variable in camel case (`WS_RATE` → `wsRate`), null where unset is a value of its own or a
 * limit is off.
 */
export type Config = Readonly<Omit<Values, keyof Derived> & Derived>;

/** What is wrong with one variable. */
type Issue = { readonly path: string; readonly message: string };

/**
 * Reads the configuration.
 *
 * @throws TidingsError `misused` that lists every offending variable: what was expected and what came (never a secret).
 */
export function loadConfig(env: Environment = process.env): Config {
    const issues: Issue[] = [];
    const values: Record<string, unknown> = {};
    for (const [name, variable] of Object.entries(VARIABLES)) {
        values[camelCase(name)] = readVariable(name, variable, env, issues);
    }
    const config = derive(values as Values);
    issues.push(...contradictions(config));
    if (issues.length > 0) {
        const lines = issues.map(({ path, message }) => `  ${path}: ${message}`).join('\n');
        throw new TidingsError('misused', `expected a valid configuration, got:\n${lines}`, { issues });
    }
    return Object.freeze(config);
}

/** Whether an address reaches this machine only. */
export function isLoopback(host: string): boolean {
    return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function readVariable(name: string, variable: Variable<unknown>, env: Environment, issues: Issue[]): unknown {
    let written: string | null;
    try {
        written = (variable.secret ? readSecret(name, env) : env[name]) || variable.fallback;
    } catch (error) {
        issues.push({ path: `${name}_FILE`, message: messageOf(error) });
        return null;
    }
    if (written === null) return null;
    const parsed = variable.schema.safeParse(written);
    if (parsed.success) return parsed.data;
    const got = variable.secret ? `${Buffer.byteLength(written)} bytes (not shown)` : JSON.stringify(written);
    issues.push({ path: name, message: `expected ${variable.expected}, got ${got}` });
    return null;
}

function readSecret(name: string, env: Environment): string | undefined {
    const file = env[`${name}_FILE`];
    if (!file) return env[name];
    if (env[name]) throw new Error(`expected ${name} or ${name}_FILE, got both`);
    try {
        return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
        throw new Error(`expected a readable file, got ${JSON.stringify(file)} (${messageOf(error)})`);
    }
}

function derive(values: Values): Config {
    const embedded = values.databaseUrl === null;
    return {
        ...values,
        embedded,
        example: values.example ?? embedded,
        devLogin: values.devLogin ?? (embedded && isLoopback(values.host ?? '')),
        corsOrigins: values.corsOrigins ?? [],
    };
}

/** What is wrong with several variables together. */
function contradictions(config: Config): Issue[] {
    const issues: Issue[] = [];
    if (config.devLogin && !isLoopback(config.host)) {
        const message = `expected false, because HOST is not a loopback address, got true with HOST=${config.host}`;
        issues.push({ path: 'DEV_LOGIN', message });
    }
    if (config.smtpUrl !== null && config.mailFrom === null) {
        issues.push({ path: 'MAIL_FROM', message: 'expected an address, because SMTP_URL is set, got nothing' });
    }
    if (config.smtpUrl !== null && config.publicUrl === null && !config.embedded) {
        issues.push({ path: 'PUBLIC_URL', message: 'expected a URL, because SMTP_URL is set, got nothing' });
    }
    const dkim = {
        MAIL_DKIM_DOMAIN: config.mailDkimDomain,
        MAIL_DKIM_SELECTOR: config.mailDkimSelector,
        MAIL_DKIM_KEY: config.mailDkimKey,
    };
    const missing = Object.entries(dkim).filter(([, value]) => value === null);
    if (missing.length < 3) {
        for (const [path] of missing) {
            issues.push({ path, message: 'expected a value, because another MAIL_DKIM variable is set, got nothing' });
        }
    }
    return issues;
}

function camelCase(name: string): string {
    return name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
