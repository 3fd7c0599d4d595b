/** The socket, the timer and the token function of one connection, worked as its link says. */
export type ServerMessage = import("./protocol.js").ServerMessage;
export type ClientMessage = import("./protocol.js").ClientMessage;
export type Socket = {
    send(text: string): void;
    close(): void;
    onopen?: any;
    onmessage?: any;
    onclose?: any;
    onerror?: any;
    readyState?: number;
    transport?: import("./river.js").TransportName;
};
export type SocketClass = (new (url: string) => Socket) & {
    isShared?: boolean;
};
export type Where = {
    url: string;
    token?: import("./token.js").TokenSource;
    route: import("./route.js").Route;
    unknown: object;
};
export type Close = {
    code: number;
    reason?: string;
};
export type Arrival = {
    socket: Socket;
    data?: unknown;
    close?: Close;
};
/**
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./protocol.js").ClientMessage} ClientMessage
 *
 * @typedef {{send(text: string): void, close(): void, onopen?: any, onmessage?: any, onclose?: any,
 *   onerror?: any, readyState?: number,
 *   transport?: import("./river.js").TransportName}} Socket
 * @typedef {(new (url: string) => Socket) & {isShared?: boolean}} SocketClass `isShared`: it finds its
 *   own way to the server
 * @typedef {{url: string, token?: import("./token.js").TokenSource, route: import("./route.js").Route,
 *   unknown: object}} Where without `token` for a guest; `unknown`: options that do not exist
 * @typedef {{code: number, reason?: string}} Close
 * @typedef {{socket: Socket, data?: unknown, close?: Close}} Arrival a message, or the end
 */
/** Keeps one connection to the server for as long as the application wants it. */
export declare class Connection {
    #private;
    /** Whether the socket is open and the token was sent. */
    isOpen: boolean;
    /** @type {boolean | undefined} whether channels were asked for elsewhere, which its server has still */
    moved: boolean | undefined;
    /** @type {import("./subscription.js").Subscription | null} the channel whose past may come next */
    replaying: import("./subscription.js").Subscription | null;
    /** @type {import("./protocol.js").Welcome | undefined} what the server said first */
    welcome: import("./protocol.js").Welcome | undefined;
    link: import("./link.js").Link;
    /**
     * @param {import("./link.js").Link} link
     * @param {import("./transport.js").Transport} transport
     * @param {import("./hub.js").Hub} hub
     */
    constructor(link: import("./link.js").Link, transport: import("./transport.js").Transport, hub: import("./hub.js").Hub);
    /** @returns {import("./status.js").Status} */
    get status(): import("./status.js").Status;
    /** How its socket reaches the server. */
    get transport(): import("./river.js").TransportName | undefined;
    /** Start; without effect when it has been started. */
    open(): void;
    /** End, until `open` is called again. */
    close(): void;
    /**
     * Send a message on the open socket; call only between `opened` and `lost`.
     *
     * @param {ClientMessage} message
     * @param {string} [text] the same, encoded
     */
    send(message: ClientMessage, text?: string): void;
}
