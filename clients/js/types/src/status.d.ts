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
 * What a close code asks of the client.
 *
 * @param {number} code
 * @returns {"stop" | "token" | "retry"} stay closed, come back with another token, or just come back
 */
export declare function afterClose(code: number): "stop" | "token" | "retry";
/**
 * Why a connection ended, in plain words: the server's own if it gave any.
 *
 * @param {number} code
 * @param {string | undefined} reason
 * @param {boolean} connected whether the connection had come about
 */
export declare function describeClose(code: number, reason: string | undefined, connected: boolean): string;
