/** Hands what the server says about one channel to the application's callbacks, in order. */

import { backoff, outageBackoff } from "./backoff.js";
import { Channel, SYSTEM_EVENTS } from "./channel.js";
import { Emitter } from "./emitter.js";
import { RiverError } from "./errors.js";
import { Inbox } from "./inbox.js";
import { HELD_MAX, RELOAD_MS, SNAPSHOT_MS, WINDOW_RELOAD_MS } from "./limits.js";
import { within } from "./platform.js";
import { Presence } from "./presence.js";

/**
 * @typedef {import("./protocol.js").EventMessage} EventMessage
 * @typedef {import("./protocol.js").Subscribed} Subscribed
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./subscription.js").Break} Break
 * @typedef {import("./subscription.js").Subscription} Subscription
 * @typedef {import("./subscription.js").On} On
 *
 * @typedef {(why: {reason: Break} & Position) => unknown} Snapshot
 *   loads the application's state; may return (a promise of) the position that the state stands for
 */

/** From here on those of channels with members. */
const MEMBERS_FROM = 3;

/** One channel's callbacks, what waits for them, and the snapshot that comes before it. */
export class Delivery {
  presence = new Presence();
  /** How many `subscribe` calls have not been taken back by `unsubscribe`. */
  users = 0;
  /** What River says about the channel; its names begin with `river:`. */
  system;
  /** What is published in the channel. An event may have any name: none reaches `system`. */
  events;

  #platform;
  #held;
  #snapshot;
  #warnings;
  /** An event of members that somebody waits for. */
  #awaited = "";
  #loading = false;
  /** @type {Break | null} why a snapshot is needed */
  #needed = null;
  /** When it may be loaded. */
  #loadAt = 0;
  /** How far apart those reload that were notified together, as far as is known. */
  #spreadMs = 0;
  #ended = false;

  /**
   * @param {Subscription} subscription
   * @param {import("./platform.js").Platform} platform
   * @param {{river: import("./river.js").River, warnings: import("./warnings.js").Warnings,
   *   options: import("./river.js").SubscribeOptions}} options those of the first `subscribe`
   */
  constructor(subscription, platform, { river, warnings, options }) {
    this.subscription = subscription;
    this.options = options;
    /** @type {Channel<any>} the application's handle */
    this.channel = new Channel(this, river);
    this.#platform = platform;
    this.#snapshot = options.snapshot;
    this.#warnings = warnings;
    this.system = new Emitter(platform.report, (name) => {
      const known = SYSTEM_EVENTS.indexOf(name);
      if (known < 0) warnings.about("unknown", name, "event of channels");
      if (known >= MEMBERS_FROM) this.#awaited = name;
    });
    this.events = new Emitter(platform.report);
    this.#held = new Inbox((/** @type {EventMessage} */ event) => this.#deliver(event), platform);
  }

  /** Whether the callbacks have seen all there is, and what comes reaches them. */
  get live() {
    return this.subscription.live && !this.#loading;
  }

  /** @param {Omit<Subscribed, "type" | "channel">} message */
  subscribed(message) {
    const outcome = this.subscription.subscribed(message);
    if (!outcome) return;
    const { epoch, offset, presence } = message;
    const recovered = outcome === "resumed";
    // First: for the callbacks the channel is not live yet.
    if (!recovered) this.#renew(outcome, 0);
    this.system.emit("river:subscribed", { recovered, epoch, offset });
    if (presence) this.#members(presence);
    else if (this.#awaited) this.#warnings.about("memberless", this.channel.name, this.#awaited);
    if (!recovered && outcome !== "start") this.#gap(outcome, message);
  }

  /**
   * @param {Pick<import("./protocol.js").Refusal, "id" | "code">} message may be the answer to another question
   * @param {RiverError} error the same
   * @param {number} now
   * @returns {boolean} whether it was for this channel
   */
  refused(message, error, now) {
    const refused = this.subscription.refused(message, now);
    if (refused) this.system.emit("river:error", error);
    return refused;
  }

  /**
   * @param {Exclude<import("./protocol.js").ChannelMessage, Subscribed>} message
   * @param {On} on the connection that it came from
   */
  receive(message, on) {
    if (!this.subscription.isLiveOn(on)) return;
    if (message.type === "event") this.#event(message);
    else if (message.type === "presence") this.#members(message);
    else if (message.type !== "gap") this.#moved(message);
    else {
      this.subscription.restart(message);
      this.#gap("gap", message);
    }
  }

  /**
   * A connection is gone: what waits comes again with the next one.
   *
   * @param {On} on
   */
  lost(on) {
    if (this.subscription.isLiveOn(on)) this.#held.clear();
    this.subscription.lost(on);
  }

  /** Nobody uses the channel any more. */
  end() {
    this.users = 0;
    this.#ended = true;
    for (const one of [this.#held, this.events, this.system]) one.clear();
  }

  /** @param {EventMessage} event */
  #event(event) {
    if (!this.#loading && this.#held.size === 0) return this.#deliver(event);
    if (this.#held.size < HELD_MAX) return this.#held.push(event);
    // The next snapshot is loaded after all of these, so it stands for them.
    this.#held.clear();
    this.subscription.saw(event);
    return this.#renew("gap", 0);
  }

  /** @param {EventMessage} message */
  #deliver(message) {
    if (this.#ended || !this.subscription.accepts(message)) return;
    const { type: _, ...detail } = { ...message, epoch: this.subscription.position?.epoch };
    const { event, data, epoch, offset } = detail;
    this.events.emit(event, data, detail);
    this.events.emit("*", data, detail);
    this.subscription.saw({ epoch, offset });
  }

  /**
   * @param {Break} reason
   * @param {Position & {reload_after_ms?: number, retry_after_ms?: number}} message
   */
  #gap(reason, { epoch, offset, reload_after_ms, retry_after_ms }) {
    this.#held.clear();
    // Many clients may have got the same at once: their back end is not asked by all in one moment.
    const spreadMs = reason === "window" ? WINDOW_RELOAD_MS : RELOAD_MS;
    const reloadAfterMs =
      reload_after_ms ?? retry_after_ms ?? outageBackoff(spreadMs, this.#platform.random);
    this.#spreadMs = reloadAfterMs;
    this.#renew(reason, reloadAfterMs);
    this.system.emit("river:gap", { reason, epoch, offset, reloadAfterMs });
  }

  /**
   * @param {Break} reason
   * @param {number} afterMs
   */
  #renew(reason, afterMs) {
    if (!this.#snapshot) return;
    this.#needed = reason;
    this.#loadAt = this.#platform.steadyMs() + afterMs;
    if (!this.#loading) this.#load();
  }

  /** Load snapshots until there is one that nothing has made out of date. */
  async #load() {
    this.#loading = true;
    this.#held.hold();
    // The callbacks first.
    await null;
    for (let failures = 0; this.#needed && !this.#ended; ) {
      const waitMs = this.#loadAt - this.#platform.steadyMs();
      if (waitMs > 0) {
        await new Promise((resolve) =>
          this.#platform.setTimer(/** @type {() => void} */ (resolve), waitMs),
        );
        continue;
      }
      const reason = this.#needed;
      this.#needed = null;
      if (await this.#loadOnce(reason)) failures = 0;
      else if (!this.#needed)
        // The back end has too much to do: those that were spread over seconds are so again.
        this.#renew(reason, backoff(++failures, this.#platform.random, this.#spreadMs));
    }
    this.#loading = false;
    this.#held.release();
  }

  /**
   * @param {Break} reason
   * @returns {Promise<boolean>} whether there is a snapshot
   */
  async #loadOnce(reason) {
    const position = /** @type {Position} */ (this.subscription.position);
    try {
      const loaded = /** @type {Snapshot} */ (this.#snapshot)({ reason, ...position });
      const covered = /** @type {Position | undefined} */ (
        await within(SNAPSHOT_MS, loaded, this.#platform)
      );
      if (typeof covered?.offset === "number" && !this.#needed) this.subscription.saw(covered);
      return true;
    } catch (cause) {
      const words = `no snapshot of ${this.channel.name}: ${cause}`;
      this.system.emit("river:error", new RiverError("snapshot_failed", words, { cause }));
      this.#warnings.about("stale", words);
      return false;
    }
  }

  /** @param {import("./protocol.js").MemberList} list */
  #members(list) {
    const { joined, left } = this.presence.replace(list);
    this.system.emit("river:presence", this.presence);
    for (const member of joined) this.system.emit("river:joined", member);
    for (const member of left) this.system.emit("river:left", member);
  }

  /** @param {import("./protocol.js").Joined | import("./protocol.js").Left} message */
  #moved({ type, user, info }) {
    const news = type === "joined" ? this.presence.join({ user, info }) : this.presence.leave(user);
    if (news) this.system.emit(`river:${type}`, { user, info });
  }
}
