/** How a connection stands, why the last one ended, and what that asks of the client. */
export type State = "connecting" | "connected" | "waiting" | "closed";
export type Status = {
    state: State;
    reason: string;
    retryInMs?: number;
    code?: number;
    error?: Error;
};
/**
 * @typedef {"connecting" | "connected" | "waiting" | "closed"} State
 *
 * @typedef {{state: State, reason: string, retryInMs?: number, code?: number, error?: Error}} Status
 *   `reason` in plain words; `retryInMs` while waiting; `code` the close code, when a connection ended;
 *   `error` the error behind it, when there is one
 */
/** This side's own closes: what came is not River's protocol, or came faster than the page could take it. */
export declare const GARBAGE: {
    code: number;
    reason: string;
};
export declare const OVERFLOW: {
    code: number;
    reason: string;
};
/**
 * Whether a client that was closed so stays closed: the same would happen again.
 *
 * @param {number} code
 * @param {boolean} renewable whether another token can be had
 */
export declare function isFinal(code: number, renewable: boolean): boolean;
/** The server does not take the token. */
export declare const TOKEN_REFUSED = 4401;
/**
 * Why a connection ended, in plain words: the server's own if it gave any.
 *
 * @param {number} code
 * @param {string | undefined} reason
 * @param {boolean} connected whether the connection had come about
 */
export declare function describeClose(code: number, reason: string | undefined, connected: boolean): string;
