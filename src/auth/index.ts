/**
 * Tokens to users. Bytes are capped before anything is parsed, algorithms are pinned to the key source, `exp` and `sub`
 * are required, and every refusal is the same error; the reason goes to our logs only.
 *
 * Invariants: with a key set, HS256 is refused; no key ever comes from a token. Depends on event, errors, jose.
 */

export type { Identity } from './claims.ts';
export { signToken } from './signer.ts';
export {
    createVerifier,
    reasonOf,
    refusal,
    UNAUTHORIZED_MESSAGE,
    type Verifier,
    type VerifierSettings,
} from './verifier.ts';
