/** What will not work, each thing once: the words for it are loaded when there is something to say. */
export type Later = typeof import("./later.js");
/** @typedef {typeof import("./later.js")} Later */
/** Warns of each thing once. */
export declare class Warnings {
    #private;
    /**
     * @param {(text: string) => void} print
     * @param {boolean} [isGuest] whether there will never be a token
     */
    constructor(print: (text: string) => void, isGuest?: boolean);
    /** @param {string} [text] */
    warn(text?: string): void;
    /**
     * Warn of names that nobody knows.
     *
     * @param {string} what
     * @param {object} unknown what is called by them
     */
    unknown(what: string, unknown: object): void;
    /**
     * Warn of options that only the first `subscribe` to a channel can give.
     *
     * @param {string} channel
     * @param {import("./river.js").SubscribeOptions} options
     * @param {import("./river.js").SubscribeOptions} first
     */
    ignored(channel: string, options: import("./river.js").SubscribeOptions, first: import("./river.js").SubscribeOptions): void;
    /**
     * @param {string} channel
     * @param {import("./errors.js").RiverError} error
     */
    refused(channel: string, error: import("./errors.js").RiverError): void;
    /**
     * Warn of a callback for members where there are none.
     *
     * @param {string} channel
     * @param {string} event
     */
    memberless(channel: string, event: string): void;
    /**
     * @param {import("./status.js").Status} status
     * @param {string} url
     */
    status(status: import("./status.js").Status, url: string): void;
}
