/** What is used where WebSockets do not come through, until they do. */
export type SocketClass = import("./connection.js").SocketClass;
/**
 * * Have sockets without WebSockets used.
 *
 * While one of them is open, WebSockets are tried again from time to time. When one holds, they are used
 * again, and the clients are asked to move.
 *
 * @param {string} url
 * @param {SocketClass} WebSocket
 * @param {(Socket: SocketClass) => void} use is given the class, and later that of WebSockets
 * @returns {Promise<void>} rejected when River is not reached without a WebSocket either: it is
 *   down, and not the WebSocket that is in the way
 */
export declare function fallback(url: string, WebSocket: SocketClass, use: (Socket: SocketClass) => void): Promise<void>;
