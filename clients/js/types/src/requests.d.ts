/** Questions to the server that are not answered yet. */
export type ServerMessage = import("./protocol.js").ServerMessage;
export type ClientMessage = import("./protocol.js").ClientMessage;
export type Connection = {
    send: (message: ClientMessage, text: string) => void;
};
export type Request = {
    message: ClientMessage & {
        id: number;
    };
    resolve: (answer: any) => void;
    reject: (error: unknown) => void;
    /**
     * where the answer comes from; none while it waits to be sent
     */
    connection?: Connection;
    dueAt?: number;
};
/**
 * @typedef {import("./protocol.js").ServerMessage} ServerMessage
 * @typedef {import("./protocol.js").ClientMessage} ClientMessage
 * @typedef {{send: (message: ClientMessage, text: string) => void}} Connection
 *
 * @typedef {object} Request
 * @property {ClientMessage & {id: number}} message
 * @property {(answer: any) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {Connection} [connection] where the answer comes from; none while it waits to be sent
 * @property {number} [dueAt]
 */
/** Matches answers with questions by their `id`; ids are never used twice. */
export declare class Requests {
    #private;
    /** How long a message may be. */
    bytesMax: number;
    /** @param {() => number} now */
    constructor(now: () => number);
    /** An id that no message had before. */
    nextId(): number;
    /**
     * Ask, now or when the next connection is there.
     *
     * @param {ClientMessage} message without id
     * @param {Connection | undefined} connection
     * @param {number} [waitingMax] how many may wait for a connection
     * @returns {Promise<any>} the answer; rejected with the server's code; with `too_large` or `queue_full`
     *   when it was not sent; with `timeout` after 10 s, or `connection_lost`, when nobody knows whether it
     *   was carried out
     */
    ask(message: ClientMessage, connection: Connection | undefined, waitingMax?: number): Promise<any>;
    /**
     * Send what has waited.
     *
     * @param {Connection} connection
     */
    flush(connection: Connection): void;
    /**
     * Whether an answer is awaited there.
     *
     * @param {Connection} connection
     */
    isAwaited(connection: Connection): boolean;
    /**
     * @param {number | undefined} id
     * @param {ServerMessage | Error} answer
     */
    settle(id: number | undefined, answer: ServerMessage | Error): void;
    /**
     * Give up what should be answered by now.
     *
     * @param {number} now
     */
    expire(now: number): void;
    /**
     * Give up what was sent over a connection.
     *
     * @param {Connection} connection
     */
    lost(connection: Connection): void;
    /**
     * Give up what waits to be sent.
     *
     * @param {string} words
     */
    discard(words: string): void;
}
