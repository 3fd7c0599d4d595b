/** Hands what the server says about one channel to the application's callbacks, in order. */
import { Channel } from "./channel.js";
import { Emitter } from "./emitter.js";
import { RiverError } from "./errors.js";
import { Presence } from "./presence.js";
export type EventMessage = import("./protocol.js").EventMessage;
export type Subscribed = import("./protocol.js").Subscribed;
export type Position = import("./protocol.js").Position;
export type Break = import("./subscription.js").Break;
export type Subscription = import("./subscription.js").Subscription;
export type On = import("./subscription.js").On;
export type Snapshot = (why: {
    reason: Break;
} & Position) => unknown;
/** One channel's callbacks, what waits for them, and the snapshot that comes before it. */
export declare class Delivery {
    #private;
    subscription: import("./subscription.js").Subscription;
    options: import("./river.js").SubscribeOptions;
    /** @type {Channel<any>} the application's handle */
    channel: Channel<any>;
    presence: Presence;
    /** How many `subscribe` calls have not been taken back by `unsubscribe`. */
    users: number;
    /** What River says about the channel; its names begin with `river:`. */
    system: Emitter;
    /** What is published in the channel. An event may have any name: none reaches `system`. */
    events: Emitter;
    /**
     * @param {Subscription} subscription
     * @param {import("./platform.js").Platform} platform
     * @param {{river: import("./river.js").River, warnings: import("./warnings.js").Warnings,
     *   options: import("./river.js").SubscribeOptions}} options those of the first `subscribe`
     */
    constructor(subscription: Subscription, platform: import("./platform.js").Platform, { river, warnings, options }: {
        river: import("./river.js").River;
        warnings: import("./warnings.js").Warnings;
        options: import("./river.js").SubscribeOptions;
    });
    /** Whether the callbacks have seen all there is, and what comes reaches them. */
    get live(): boolean;
    /** @param {Omit<Subscribed, "type" | "channel">} message */
    subscribed(message: Omit<Subscribed, "type" | "channel">): void;
    /**
     * @param {Pick<import("./protocol.js").Refusal, "id" | "code">} message may be the answer to another question
     * @param {RiverError} error the same
     * @param {number} now
     * @returns {boolean} whether it was for this channel
     */
    refused(message: Pick<import("./protocol.js").Refusal, "id" | "code">, error: RiverError, now: number): boolean;
    /**
     * @param {Exclude<import("./protocol.js").ChannelMessage, Subscribed>} message
     * @param {On} on the connection that it came from
     */
    receive(message: Exclude<import("./protocol.js").ChannelMessage, Subscribed>, on: On): void;
    /**
     * A connection is gone: what waits comes again with the next one.
     *
     * @param {On} on
     */
    lost(on: On): void;
    /** Nobody uses the channel any more. */
    end(): void;
}
