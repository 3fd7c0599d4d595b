/** The connection in use, and the one to another server while the client moves. */
import { Connection } from "./connection.js";
export type Hub = import("./hub.js").Hub;
export type Status = import("./status.js").Status;
export type ServerMessage = import("./protocol.js").ServerMessage;
/**
 * @typedef {import("./hub.js").Hub} Hub
 * @typedef {import("./status.js").Status} Status
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
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
    /** @param {Hub} hub knows where the server is */
    constructor(hub: Hub);
    get status(): import("./status.js").Status;
    /** Where a question is answered. */
    get current(): Connection;
    /** Those that take messages; the last one is where a channel is subscribed. */
    get open(): Connection[];
    /** Start; without effect when it has been started. */
    connect(): void;
    /** End, until `connect` is called again. */
    disconnect(): void;
    /**
     * A message arrived.
     *
     * @param {ServerMessage} message
     * @param {Connection} connection
     */
    arrived(message: ServerMessage, connection: Connection): void;
    /**
     * Called every few seconds, unless closed.
     *
     * @param {number} now
     */
    tick(now: number): void;
    /**
     * A connection has another status.
     *
     * @param {Status} status
     * @param {Connection} connection
     */
    changed(status: Status, connection: Connection): void;
    /**
     * The server is about to stop: another connection is needed.
     *
     * @param {Connection} from which was asked to go
     */
    move(from: Connection): void;
}
