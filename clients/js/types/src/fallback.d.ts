/** What is used where WebSockets do not come through, until they do. */
export type SocketClass = import("./connection.js").SocketClass;
/**
 * A class of sockets without WebSockets.
 *
 * While one of them is open, WebSockets are tried again from time to time. When one holds, `restored` is
 * called, and the clients are asked to move.
 *
 * @param {string} url
 * @param {SocketClass} WebSocket
 * @param {() => void} restored
 * @returns {Promise<SocketClass>} rejected when River is not reached without a WebSocket either: it is
 *   down, and not the WebSocket that is in the way
 */
export declare function fallback(url: string, WebSocket: SocketClass, restored: () => void): Promise<SocketClass>;
