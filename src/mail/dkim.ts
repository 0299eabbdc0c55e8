/** Signing mails by DKIM (RFC 6376). nodemailer leaves a mail unsigned if its key is none, so the key is tried first. */

import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { DKIMOptions } from 'nodemailer';
import { messageOf, TidingsError } from '../errors.ts';

/** The key, and where its public half is published: `<selector>._domainkey.<domain>`. */
export type DkimSettings = { readonly domain: string; readonly selector: string; readonly privateKey: string };

/** What is signed: what a reader is shown, and both headers by which a mail client unsubscribes (RFC 8058 §4). */
const SIGNED = [
    'From',
    'To',
    'Subject',
    'Date',
    'Message-ID',
    'MIME-Version',
    'Content-Type',
    'Content-Transfer-Encoding',
    'List-Id',
    'List-Unsubscribe',
    'List-Unsubscribe-Post',
    'Auto-Submitted',
].join(':');

const LABELS = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;
const LEAST_BITS = 1024;

/**
 * How nodemailer is to sign.
 *
 * @throws TidingsError `misused` if the key is not an RSA key or a name is none; never shows the key
 */
export function readDkim({ domain, selector, privateKey }: DkimSettings): DKIMOptions {
    for (const [name, value] of Object.entries({ MAIL_DKIM_DOMAIN: domain, MAIL_DKIM_SELECTOR: selector })) {
        if (!LABELS.test(value)) throw misused(`expected ${name} to be a domain name, got ${JSON.stringify(value)}`);
    }
    const key = readKey(privateKey);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (key.asymmetricKeyType !== 'rsa' || bits < LEAST_BITS) {
        throw misused(
            `expected MAIL_DKIM_KEY to be RSA of ${LEAST_BITS} bits or more, got ${key.asymmetricKeyType} ${bits}`,
        );
    }
    const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { domainName: domain, keySelector: selector, privateKey: pem, headerFieldNames: SIGNED };
}

function readKey(pem: string): KeyObject {
    try {
        // One line with \n in it is how many environments carry a PEM.
        return createPrivateKey(pem.replaceAll('\\n', '\n'));
    } catch (error) {
        throw misused(`expected MAIL_DKIM_KEY to be a private key in PEM, got something else (${messageOf(error)})`);
    }
}

function misused(message: string): TidingsError {
    return new TidingsError('misused', message);
}
