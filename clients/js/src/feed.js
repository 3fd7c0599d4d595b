/** What the callbacks of one channel are told, in order. */

import { Channel } from "./channel.js";
import { Emitter } from "./emitter.js";
import { RiverError } from "./errors.js";
import { Inbox } from "./inbox.js";
import { HELD_MAX } from "./limits.js";
import { Presence } from "./presence.js";

/**
 * @typedef {import("./protocol.js").EventMessage} EventMessage
 * @typedef {import("./protocol.js").Subscribed} Subscribed
 * @typedef {import("./protocol.js").Position} Position
 * @typedef {import("./subscription.js").Break} Break
 * @typedef {import("./subscription.js").Subscription} Subscription
 *
 * @typedef {(why: {reason: Break} & Position) => unknown} Snapshot
 *   fetches the application's state; may return (a promise of) the position that the state stands for
 */

/** Hands on what the server says about a channel to those who asked for it. */
export class Feed {
  presence = new Presence();
  /** What River says about the channel; its names begin with `river:`. */
  system;
  /** What is published in the channel. An event may have any name: none reaches `system`. */
  events;

  #report;
  #held;
  #snapshot;
  #fetching = false;
  /** @type {Break | null} why the snapshot that is being fetched is out of date already */
  #again = null;

  /**
   * @param {Subscription} subscription
   * @param {import("./platform.js").Platform} platform
   * @param {{snapshot?: Snapshot, calls: import("./channel.js").Calls}} options
   */
  constructor(subscription, platform, { snapshot, calls }) {
    this.subscription = subscription;
    /** @type {Channel<any>} the application's handle */
    this.channel = new Channel(this, calls);
    this.#report = platform.report;
    this.#snapshot = snapshot;
    this.system = new Emitter(platform.report);
    this.events = new Emitter(platform.report);
    this.#held = new Inbox((/** @type {EventMessage} */ event) => this.#deliver(event), platform);
  }

  /** @param {Subscribed} message */
  subscribed(message) {
    const outcome = this.subscription.subscribed(message);
    if (!outcome) return;
    const { epoch, offset, presence } = message;
    this.system.emit("river:subscribed", { recovered: outcome === "resumed", epoch, offset });
    if (presence) this.#members(presence);
    if (outcome === "start") this.#renew(outcome);
    else if (outcome !== "resumed") this.#gap(outcome, message);
  }

  /**
   * @param {import("./protocol.js").Refusal} message may be the answer to another question
   * @param {RiverError} error the same
   * @param {number} now
   */
  refused(message, error, now) {
    if (this.subscription.refused(message, now)) this.system.emit("river:error", error);
  }

  /** @param {Exclude<import("./protocol.js").ChannelMessage, Subscribed>} message */
  receive(message) {
    if (!this.subscription.live) return;
    if (message.type === "event") this.#event(message);
    else if (message.type === "presence") this.#members(message);
    else if (message.type !== "gap") this.#moved(message);
    else {
      this.subscription.restart(message);
      this.#gap("gap", message);
    }
  }

  /** The connection is gone: what waits comes again with the next one. */
  lost() {
    this.subscription.lost();
    this.#held.clear();
  }

  /** @param {EventMessage} event */
  #event(event) {
    if (!this.#fetching && this.#held.size === 0) return this.#deliver(event);
    if (this.#held.size < HELD_MAX) return this.#held.push(event);
    // The next snapshot is fetched after all of these, so it stands for them.
    this.#held.clear();
    this.subscription.saw(event);
    this.#renew("gap");
  }

  /** @param {EventMessage} message */
  #deliver(message) {
    if (!this.subscription.accepts(message)) return;
    const { channel, event, data, offset, user } = message;
    const epoch = this.subscription.position?.epoch;
    const detail = { channel, event, data, epoch, offset, user };
    this.events.emit(event, data, detail);
    this.events.emit("*", data, detail);
    this.subscription.saw({ epoch, offset });
  }

  /**
   * @param {Break} reason
   * @param {Position} position
   */
  #gap(reason, { epoch, offset }) {
    this.#held.clear();
    this.system.emit("river:gap", { reason, epoch, offset });
    this.#renew(reason);
  }

  /** @param {Break} reason */
  #renew(reason) {
    if (this.#fetching) this.#again = reason;
    else if (this.#snapshot) this.#fetch(reason);
  }

  /** @param {Break} reason */
  async #fetch(reason) {
    this.#fetching = true;
    this.#held.hold();
    do {
      await this.#fetchOnce(this.#again ?? reason);
    } while (this.#again);
    this.#fetching = false;
    this.#held.release();
  }

  /** @param {Break} reason */
  async #fetchOnce(reason) {
    this.#again = null;
    const position = /** @type {Position} */ (this.subscription.position);
    try {
      const covered = await this.#snapshot?.({ reason, ...position });
      if (covered && !this.#again) this.subscription.saw(/** @type {Position} */ (covered));
    } catch (cause) {
      const error = new RiverError("snapshot_failed", "the snapshot function failed", { cause });
      this.system.emit("river:error", error);
      this.#report(error);
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
