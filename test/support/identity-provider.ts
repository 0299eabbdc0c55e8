/** An identity provider for tests: a key set over HTTP that can be changed, slowed and broken, and tokens of its keys. */

import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWK } from 'jose';
import { ISSUED, rs256 } from './tokens.ts';

/** How a request is answered. */
type Answer = (res: ServerResponse) => void;

/** An RSA key with an id. */
export type IdpKey = { readonly kid: string; readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** Makes one. */
export function rsaKey(kid: string): IdpKey {
    return { kid, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
}

/** The public half as it stands in a key set. */
export function jwkOf({ kid, publicKey }: IdpKey): JWK {
    return { ...(publicKey.export({ format: 'jwk' }) as JWK), kid, alg: 'RS256', use: 'sig' };
}

/** A good token of a key, with other claims or another header if wished. */
export function tokenOf({ kid, privateKey }: IdpKey, claims: unknown = ISSUED, header: object = {}): string {
    // No two alike, so that none is known from a moment ago.
    const id = { jti: randomUUID() };
    return rs256(
        typeof claims === 'object' ? { ...claims, ...id } : claims,
        { alg: 'RS256', kid, ...header },
        privateKey,
    );
}

/** Starts one. `keys` is what it publishes, until `answer` says otherwise. */
export async function startIdentityProvider(keys: readonly JWK[]) {
    let published = keys;
    let answer: Answer | null = null;
    let requests = 0;
    const server = createServer((_, res) => {
        requests += 1;
        if (answer === null) res.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: published }));
        else answer(res);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return {
        url: `http://127.0.0.1:${port}/keys`,
        requests: () => requests,
        publish(next: readonly JWK[]) {
            published = next;
        },
        /** Answers so from now on; null: with the keys. */
        answerBy(next: Answer | null) {
            answer = next;
        },
        async stop() {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        },
    };
}

/** What `startIdentityProvider` gives. */
export type IdentityProvider = Awaited<ReturnType<typeof startIdentityProvider>>;
