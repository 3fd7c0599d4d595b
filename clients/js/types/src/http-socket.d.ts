/** A socket that needs no WebSocket: streams or polls for what comes, requests for what goes. */
export type Message = import("./feed.js").Message;
/** @typedef {import("./feed.js").Message} Message */
/**
 * The address for HTTP of a WebSocket's.
 *
 * @param {string} url
 */
export declare function httpUrl(url: string): string;
/** Speaks River's protocol with its client as a WebSocket would. */
export declare class HttpSocket {
    #private;
    /** @type {any} */
    onopen: any;
    /** @type {any} */
    onmessage: any;
    /** @type {any} */
    onclose: any;
    /** @type {any} */
    onerror: any;
    /** Resolved when it is over. */
    ended: Promise<undefined>;
    /**
     * @param {string} url that of a WebSocket
     * @param {{polls?: boolean}} [options] polls: do not try a stream first
     */
    constructor(url: string, { polls }?: {
        polls?: boolean;
    });
    /** @returns {"stream" | "poll"} */
    get transport(): "stream" | "poll";
    /** As with a WebSocket: connecting, open, closed. */
    get readyState(): 0 | 1 | 3;
    /** @param {string} text */
    send(text: string): void;
    close(): void;
    /** Ask the client to connect anew: there is something better now. */
    move(): void;
}
/** The same without streams. */
export declare class PollSocket extends HttpSocket {
    /** @param {string} url */
    constructor(url: string);
}
