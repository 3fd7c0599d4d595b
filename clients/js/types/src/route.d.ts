/** Which kind of socket is opened: a WebSocket, unless those do not come through where the page is. */
export type SocketClass = import("./connection.js").SocketClass;
/** @typedef {import("./connection.js").SocketClass} SocketClass */
/** Opens sockets to one address. */
export declare class Route {
    #private;
    /**
     * @param {string} url
     * @param {SocketClass} Socket which some browsers are not allowed to have: without it none can be made
     */
    constructor(url: string, Socket: SocketClass);
    /** @returns {import("./connection.js").Socket} */
    newSocket(): import("./connection.js").Socket;
    /**
     * A socket was lost, and nobody had closed it.
     *
     * @param {number | undefined} code of its end: River's own begin at 4000, any other may be of what
     *   stands in between; none if it did not answer
     * @param {number} livedMs how long it had worked; 0 if it had not
     */
    lost(code: number | undefined, livedMs: number): void;
}
