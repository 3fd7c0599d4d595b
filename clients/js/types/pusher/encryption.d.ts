/** Pusher's encrypted channels: their events are opened in the page, with a key of the back end. */
export type NaCl = {
    secretbox: {
        open: (box: Uint8Array, nonce: Uint8Array, key: Uint8Array) => Uint8Array | null;
        keyLength: number;
        nonceLength: number;
    };
};
export type Held = {
    data: unknown;
    then: (opened: unknown) => void;
};
/**
 * @typedef {object} NaCl what is used of `tweetnacl`
 * @property {{open: (box: Uint8Array, nonce: Uint8Array, key: Uint8Array) => Uint8Array | null,
 *   keyLength: number, nonceLength: number}} secretbox
 *
 * @typedef {{data: unknown, then: (opened: unknown) => void}} Held
 */
/** One channel's key, and what waits for another. */
export declare class Encryption {
    #private;
    /**
     * @param {NaCl} nacl
     * @param {() => Promise<string>} askSecret
     */
    constructor(nacl: NaCl, askSecret: () => Promise<string>);
    /** Have a key; rejected when there is none. */
    unlock(): Promise<void>;
    /**
     * Open an event. One that does not fit the key may have been sent with the next one: it is asked for
     * once, and what comes meanwhile waits, so that the order stays.
     *
     * @param {any} data of the event
     * @param {(opened: unknown) => void} then not called for what cannot be opened
     */
    open(data: any, then: (opened: unknown) => void): void;
}
