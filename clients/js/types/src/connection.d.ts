/** The socket, the timer and the token function of one connection, worked as its link says. */
export type ServerMessage = import("./protocol.js").ServerMessage;
export type ClientMessage = import("./protocol.js").ClientMessage;
export type Platform = import("./platform.js").Platform;
export type Listener = {
    /**
     * the token was sent: what is sent now follows it in the same round trip
     */
    opened: (connection: Connection) => void;
    message: (message: ServerMessage, connection: Connection) => void;
    status: (status: import("./link.js").Status, connection: Connection) => void;
    /**
     * nothing will be answered any more
     */
    lost: (connection: Connection) => void;
    /**
     * the server is about to stop: another connection is needed
     */
    move: (connection: Connection) => void;
    /**
     * called every few seconds, unless closed
     */
    tick: (now: number) => void;
    /**
     * what was sent, without tokens and secrets
     */
    sent: (message: object) => void;
    /**
     * of the session that is continued
     */
    sessionSecret: () => string | undefined;
    /**
     * where
     * the page stands in its user's channel; asked once for each connection
     */
    userPosition: (connection: Connection) => import("./protocol.js").Position | undefined;
};
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
 * @typedef {import("./platform.js").Platform} Platform
 *
 * @typedef {object} Listener
 * @property {(connection: Connection) => void} opened the token was sent: what is sent now follows it in the same round trip
 * @property {(message: ServerMessage, connection: Connection) => void} message
 * @property {(status: import("./link.js").Status, connection: Connection) => void} status
 * @property {(connection: Connection) => void} lost nothing will be answered any more
 * @property {(connection: Connection) => void} move the server is about to stop: another connection is needed
 * @property {(now: number) => void} tick called every few seconds, unless closed
 * @property {(message: object) => void} sent what was sent, without tokens and secrets
 * @property {() => string | undefined} sessionSecret of the session that is continued
 * @property {(connection: Connection) => import("./protocol.js").Position | undefined} userPosition where
 *   the page stands in its user's channel; asked once for each connection
 *
 * @typedef {{send(text: string): void, close(): void, onopen?: any, onmessage?: any, onclose?: any,
 *   onerror?: any, readyState?: number,
 *   transport?: import("./river.js").TransportName}} Socket
 * @typedef {(new (url: string) => Socket) & {isShared?: boolean}} SocketClass `isShared`: it finds its
 *   own way to the server
 * @typedef {{url: string, token?: import("./token.js").TokenSource, route: import("./route.js").Route}} Where
 *   without `token` for a guest
 * @typedef {{code: number, reason?: string}} Close
 * @typedef {{socket: Socket, data?: unknown, close?: Close}} Arrival a message, or the end
 */
/** Keeps one connection to the server for as long as the application wants it. */
export declare class Connection {
    #private;
    /** Whether the socket is open and the token was sent. */
    isOpen: boolean;
    /** @type {import("./subscription.js").Subscription | null} the channel whose past may come next */
    replaying: import("./subscription.js").Subscription | null;
    link: import("./link.js").Link;
    /**
     * @param {Where} where
     * @param {Platform & {now: () => number}} platform
     * @param {import("./link.js").Link} link
     * @param {Listener} listener
     */
    constructor(where: Where, platform: Platform & {
        now: () => number;
    }, link: import("./link.js").Link, listener: Listener);
    /** @returns {import("./link.js").Status} */
    get status(): import("./link.js").Status;
    /** How its socket reaches the server. */
    get transport(): import("./river.js").TransportName;
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
