/** The connection in use, and the one to another server while the client moves. */
import { Connection } from "./connection.js";
export type Where = import("./connection.js").Where;
export type Platform = import("./connection.js").Platform;
export type Status = import("./link.js").Status;
export type ServerMessage = import("./protocol.js").ServerMessage;
export type Listener = {
    /**
     * the token was sent: what is sent now follows it in
     * the same round trip
     */
    opened: (connection: Connection) => void;
    message: (message: ServerMessage, connection: Connection) => void;
    /**
     * of the connection in use
     */
    status: (status: Status) => void;
    /**
     * nothing will be answered on it any more
     */
    lost: (connection: Connection) => void;
    /**
     * whether nothing is awaited on it any more
     */
    isFree: (connection: Connection) => boolean;
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
/**
 * @typedef {import("./connection.js").Where} Where
 * @typedef {import("./connection.js").Platform} Platform
 * @typedef {import("./link.js").Status} Status
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 *
 * @typedef {object} Listener
 * @property {(connection: Connection) => void} opened the token was sent: what is sent now follows it in
 *   the same round trip
 * @property {(message: ServerMessage, connection: Connection) => void} message
 * @property {(status: Status) => void} status of the connection in use
 * @property {(connection: Connection) => void} lost nothing will be answered on it any more
 * @property {(connection: Connection) => boolean} isFree whether nothing is awaited on it any more
 * @property {(now: number) => void} tick called every few seconds, unless closed
 * @property {(message: object) => void} sent what was sent, without tokens and secrets
 * @property {() => string | undefined} sessionSecret of the session that is continued
 * @property {(connection: Connection) => import("./protocol.js").Position | undefined} userPosition where
 *   the page stands in its user's channel; asked once for each connection
 */
/**
 * Makes before it breaks: when a server asks its clients to go (`bye`), another connection is opened, all
 * channels are subscribed on it, and only then is the old one closed.
 *
 *     current   connected ----- bye ------------------------ free: closed
 *     next                       | opened, subscribed, connected | becomes the current one
 *
 * When the current one is lost before that, the next one takes over as far as it has come.
 */
export declare class Transport {
    #private;
    /**
     * @param {Where} where
     * @param {Platform & {now: () => number}} platform
     * @param {Listener} listener
     */
    constructor(where: Where, platform: Platform & {
        now: () => number;
    }, listener: Listener);
    get status(): import("./link.js").Status;
    /** Where a question is answered. */
    get current(): Connection;
    /** Those that take messages; the last one is where a channel is subscribed. */
    get open(): Connection[];
    /** Start; without effect when it has been started. */
    connect(): void;
    /** End, until `connect` is called again. */
    disconnect(): void;
}
