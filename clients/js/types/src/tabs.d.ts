/** One connection for all tabs of a user: a WebSocket class for `new River({ WebSocket })`. */
export type TransportName = import("./river.js").TransportName;
export type Note = {
    hub?: string;
    to?: string[];
    from?: string;
    does: string;
    text?: string;
    code?: number;
    reason?: string;
    transport?: TransportName;
};
/**
 * @typedef {import("./river.js").TransportName} TransportName
 * @typedef {{hub?: string, to?: string[], from?: string, does: string, text?: string, code?: number,
 *   reason?: string, transport?: TransportName}} Note what tabs write each other
 */
/**
 * A WebSocket class whose sockets share one connection with those in other tabs of the same origin.
 *
 * One tab holds the connection. When it is closed another one takes over, and every client resumes where
 * it was. Where the browser has no Web Locks (outside of `https:` and `localhost`, for one), it is the
 * ordinary class.
 *
 * @param {string} user whose tabs they are: clients of different users must not share a connection
 * @returns {import("./connection.js").SocketClass}
 */
export declare function sharedSocket(user: string): import("./connection.js").SocketClass;
