/** One channel as the server and this client know it: a state machine without I/O. */
export type Position = import("./protocol.js").Position;
export type Break = "start" | "epoch" | "window" | "unknown" | "gap";
export type On = object;
/**
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {"start" | "epoch" | "window" | "unknown" | "gap"} Break why what came before is not known:
 *   there was nothing before, or the reason of the server
 * @typedef {object} On the connection that something goes over; only its identity matters here
 */
/**
 * Knows on which connection the channel is live, and up to where the application has seen it.
 *
 * While the client moves to another server there are two connections: the channel stays live on the old
 * one until the new one has answered, and what both of them bring is left out by its offset.
 */
export declare class Subscription {
    #private;
    channel: string;
    /** @type {Position | null} where the next connection resumes */
    position: Position | null;
    /**
     * @param {string} channel
     * @param {{history?: number, since?: Position | null, random: () => number}} options
     */
    constructor(channel: string, { history, since, random }: {
        history?: number;
        since?: Position | null;
        random: () => number;
    });
    /** Whether events of the channel are expected. */
    get live(): boolean;
    /** Whether a question to the server is open. */
    get pending(): boolean;
    /**
     * Whether this is the connection that events are expected from.
     *
     * @param {On} on
     */
    isLiveOn(on: On): boolean;
    /**
     * Whether the server is to be asked.
     *
     * @param {number} now
     */
    isDue(now: number): boolean;
    /**
     * The question to the server.
     *
     * @param {number | string} id
     * @param {On} on
     * @returns {import("./protocol.js").ClientMessage & Partial<Position>}
     */
    ask(id: number | string, on: On): import("./protocol.js").ClientMessage & Partial<Position>;
    /**
     * The server's answer: from now on events are expected from where the question was asked.
     *
     * @param {Omit<import("./protocol.js").Subscribed, "type" | "channel">} message
     * @returns {Break | "resumed" | null} what the application has to know; null when the answer is not
     *   for the question that is open
     */
    subscribed(message: Omit<import("./protocol.js").Subscribed, "type" | "channel">): Break | "resumed" | null;
    /**
     * The first message after the answer has arrived.
     *
     * @param {boolean} past whether it is an event of the channel: the first of the past that was asked for
     */
    settle(past: boolean): void;
    /**
     * The server refused.
     *
     * @param {Pick<import("./protocol.js").Refusal, "id" | "code">} message
     * @param {number} now
     * @returns {boolean} false when this is no answer to the question that is open
     */
    refused({ id, code }: Pick<import("./protocol.js").Refusal, "id" | "code">, now: number): boolean;
    /** The refusal may not hold any more. */
    retry(): void;
    /**
     * Whether an event was not seen yet. One that no log keeps has no offset, and comes once.
     *
     * @param {{offset?: number}} event
     */
    accepts({ offset }: {
        offset?: number;
    }): boolean;
    /**
     * The application has seen everything up to here; call after its callbacks were.
     *
     * @param {{epoch?: string, offset?: number}} position an epoch that is not the channel's is ignored
     */
    saw({ epoch, offset }: {
        epoch?: string;
        offset?: number;
    }): void;
    /**
     * A connection is gone.
     *
     * @param {On} on
     */
    lost(on: On): void;
    /**
     * Begin here: what came before cannot be had.
     *
     * @param {Position} position
     */
    restart({ epoch, offset }: Position): void;
}
