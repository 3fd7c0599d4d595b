/** What will not work, each thing once: the words for it are loaded when there is something to say. */
export type Topic = keyof typeof import("./advice.js").ADVICE;
/** @typedef {keyof typeof import("./advice.js").ADVICE} Topic */
/** Warns of each thing once. */
export declare class Warnings {
    #private;
    /** @param {(text: string) => void} print */
    constructor(print: (text: string) => void);
    /** @param {string} [text] */
    warn(text?: string): void;
    /**
     * Warn in the words of `advice.js`; where those cannot be loaded, in bare facts.
     *
     * @param {Topic} topic
     * @param {...unknown} facts what the advice is about
     */
    about(topic: Topic, ...facts: unknown[]): void;
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
     * @param {Record<string, any>} options
     * @param {Record<string, any>} first
     */
    ignored(channel: string, options: Record<string, any>, first: Record<string, any>): void;
    /**
     * @param {import("./status.js").Status} status
     * @param {string | undefined} url
     */
    status({ state, reason, code, error }: import("./status.js").Status, url: string | undefined): void;
}
