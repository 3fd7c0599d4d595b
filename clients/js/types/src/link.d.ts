/** Where the connection stands and what to do next: a state machine without I/O. */
export declare const NEVER: number;
export type Status = import("./status.js").Status;
export type Effect = {
    do: "ask";
    ask: number;
} | {
    do: "open";
} | {
    do: "close";
} | {
    do: "move";
} | {
    do: "status";
    status: Status;
} | {
    do: "send";
    message: import("./protocol.js").ClientMessage;
};
/**
 * @typedef {import("./status.js").Status} Status
 * @typedef {{do: "ask", ask: number} | {do: "open"} | {do: "close"} | {do: "move"}
 *   | {do: "status", status: Status}
 *   | {do: "send", message: import("./protocol.js").ClientMessage}} Effect
 */
/**
 * One client's connection, from the first attempt to the last.
 *
 * The owner calls a method for all that happens, with the time in milliseconds, and carries out the
 * effects it returns, in order. Between them it calls `tick` no later than `nextAt`, and at least every
 * `PULSE_MS` to notice that the machine slept. A status comes last among the effects, because its
 * receiver may call a method at once.
 */
export declare class Link {
    #private;
    /** @type {Status} */
    status: Status;
    /** How long the connection that ended had worked; 0 if it had not. */
    livedMs: number;
    /**
     * @param {{renewable: boolean, guest?: boolean, random: () => number}} options renewable: another token
     *   can be had; guest: there is none
     */
    constructor(options: {
        renewable: boolean;
        guest?: boolean;
        random: () => number;
    });
    /**
     * The link to another server, while this one still serves. It begins with the same token, and its
     * back-off starts anew: that a server stops is no outage.
     */
    successor(): Link;
    get state(): import("./status.js").State;
    get isConnected(): boolean;
    /** When `tick` is needed. */
    get nextAt(): number;
    /**
     * Start, unless it has been started.
     *
     * @param {number} now
     * @returns {Effect[]}
     */
    connect(now: number): Effect[];
    /**
     * End, until `connect` is called again.
     *
     * @param {string} reason
     * @param {number} [code]
     * @returns {Effect[]}
     */
    stop(reason: string, code?: number): Effect[];
    /**
     * The application gave a token.
     *
     * @param {number} ask the number of the question
     * @param {string} token
     * @param {number} now
     * @returns {Effect[]}
     */
    gotToken(ask: number, token: string, now: number): Effect[];
    /**
     * The application gave no token.
     *
     * @param {number} ask the number of the question
     * @param {Error} error
     * @param {number} now
     * @returns {Effect[]}
     */
    noToken(ask: number, error: Error, now: number): Effect[];
    /**
     * The socket is open.
     *
     * @param {number} now
     * @returns {Effect[]}
     */
    opened(now: number): Effect[];
    /**
     * The server is there: for a guest that is all.
     *
     * @param {number} now
     * @returns {Effect[]}
     */
    welcomed(now: number): Effect[];
    /**
     * The server took the token.
     *
     * @param {number | null} remainingMs how long the token is good for
     * @param {number} now
     * @returns {Effect[]}
     */
    authenticated(remainingMs: number | null, now: number): Effect[];
    /**
     * The server, or the WebSocket class, refused something that is not the answer to a request.
     *
     * @param {Error} error
     * @param {number} [now]
     * @param {number} [retryAfterMs] the same token is taken after this time
     */
    refused(error: Error, now?: number, retryAfterMs?: number): void;
    /**
     * Something arrived.
     *
     * @param {number} now
     */
    received(now: number): void;
    /**
     * The server is about to stop and asks to come back later, elsewhere.
     *
     * This connection goes on until the other one works. The wait gets jitter on top, in case that others
     * were asked the same.
     *
     * @param {number} now
     * @param {number} [retryAfterMs]
     * @returns {Effect[]} none yet
     */
    bye(now: number, retryAfterMs?: number): Effect[];
    /**
     * The socket is closed, or could not be opened.
     *
     * @param {{code: number, reason?: string}} close
     * @param {number} now
     * @returns {Effect[]}
     */
    lost({ code, reason: said }: {
        code: number;
        reason?: string;
    }, now: number): Effect[];
    /**
     * The device found a network.
     *
     * @param {number} now
     * @returns {Effect[]}
     */
    online(now: number): Effect[];
    /**
     * The device says that it lost its network. It may be wrong: the connection is asked.
     *
     * @param {number} now
     * @returns {Effect[]}
     */
    offline(now: number): Effect[];
    /**
     * The machine woke up, or somebody looks at the page again: try now, or make sure that it works.
     *
     * @param {number} now
     * @returns {Effect[]}
     */
    awake(now: number): Effect[];
    /**
     * Do what is due.
     *
     * @param {number} now
     * @returns {Effect[]}
     */
    tick(now: number): Effect[];
}
