/** The transport as the socket core needs it. A WebSocket is one; a stream of server-sent events can be another. */

/** What became of a frame: gone or on its way, accepted but piling up, or thrown away because too much had piled up. */
export type SendResult = 'sent' | 'buffered' | 'dropped';

/** One connection. After its end every call does nothing. */
export type Wire = {
    /** The client's address. */
    readonly address: string;
    send(frame: string | Buffer): SendResult;
    /** Bytes accepted and not yet taken by the peer's TCP. */
    bufferedBytes(): number;
    /** Runs `write`, so that all it sends leaves in few system calls. */
    cork(write: () => void): void;
    /** Says goodbye with a close code, as far as the peer still listens. */
    close(code: number, reason: string): void;
};
