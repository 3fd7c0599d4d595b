/** The API of pusher-js on River's own protocol. */

import { River } from "../src/river.js";
import { address } from "./address.js";
import { newChannel } from "./channel.js";
import { failure, PusherConnection } from "./connection.js";
import { Dispatcher } from "./dispatcher.js";
import { PusherUser } from "./user.js";

const UNAVAILABLE_MS = 10_000;
/** The code of Pusher's protocol for too many client events. */
const TOO_MANY_EVENTS = 4301;
/** What asked an auth endpoint. */
const ENDPOINTS = ["auth", "authEndpoint", "authorizer", "channelAuthorization"];

/**
 * @typedef {import("./dispatcher.js").Callback} Callback
 * @typedef {import("./channel.js").PusherChannel} Channel
 * @typedef {import("./channel.js").PresenceChannel} PresenceChannel
 * @typedef {import("./members.js").Members} Members
 *
 * @typedef {object} PusherOptions
 * @property {import("../src/token.js").TokenSource} [token] who the user is and what it may do, as for `River`; without it
 *   the page is a guest
 * @property {import("../src/token.js").TokenSource} [jwt] the same as `token`
 * @property {string} [host] the server, as for `River`; instead of the next five
 * @property {string} [url] the same as `host`
 * @property {string} [wsHost] the server's name
 * @property {number} [wsPort] its port without TLS, 80 by default
 * @property {number} [wssPort] its port with TLS, 443 by default
 * @property {string} [wsPath] a path before `/ws`; a page's name, `/t/...`, is left out
 * @property {boolean} [forceTLS] false: no TLS, unless the page itself came with it
 * @property {number} [unavailableTimeout] after so many milliseconds without a connection the state is
 *   `unavailable`, 10,000 by default
 * @property {import("../src/connection.js").SocketClass} [WebSocket] where there is no global one
 * @property {import("./encryption.js").NaCl} [nacl] `tweetnacl`, for `private-encrypted-` channels; who is
 *   asked for their keys is said as for pusher-js, by one of the next four
 * @property {import("./authorization.js").Endpoint} [channelAuthorization]
 * @property {import("./authorization.js").Authorizer} [authorizer]
 * @property {string} [authEndpoint]
 * @property {import("./authorization.js").Asked["auth"]} [auth]
 *
 * @typedef {"activityTimeout" | "authTransport" | "cluster" | "disableStats" | "disabledTransports" | "enableStats"
 *   | "enabledTransports" | "httpHost" | "httpPath" | "httpPort" | "httpsPort" | "ignoreNullOrigin"
 *   | "pongTimeout" | "statsHost" | "timelineParams" | "userAuthentication"} Meaningless
 *   options of pusher-js that mean nothing here
 */

/** The channels by their names. */
class Channels {
  /** @type {Record<string, Channel>} */
  channels = Object.create(null);

  all() {
    return Object.values(this.channels);
  }

  /** @param {string} name */
  find(name) {
    return this.channels[name];
  }
}

/** A connection to River with the API of pusher-js: each event once, also those that were missed. */
export class Pusher {
  /** Whether what is sent and received is printed; set it before the first `new Pusher`. */
  static logToConsole = false;
  /** @type {((message: string) => void) | undefined} where it goes instead of the console */
  static log;

  connection;
  user;
  channels = new Channels();
  global_emitter = new Dispatcher();

  #river;

  /**
   * Connect.
   *
   * @param {string} key any text: the token says everything
   * @param {PusherOptions & Partial<Record<Meaningless, unknown>>} options
   * @throws {RiverError} `host_invalid` or `token_missing`
   */
  constructor(key, options) {
    if (key === undefined || key === null) throw new Error("You must pass your app key");
    this.key = key;
    this.options = options;
    this.#river = new River(riverOptions(options));
    this.connection = new PusherConnection(options.unavailableTimeout ?? UNAVAILABLE_MS);
    this.connection
      .bind("connected", () => each(this, (channel) => channel.pending()))
      .bind("connecting", () => each(this, (channel) => channel.disconnect()))
      .bind("disconnected", () => each(this, (channel) => channel.disconnect()));
    this.user = new PusherUser(this, this.#river);
    this.#river.on("state", (status) => this.connection.follow(status, this.#river.session));
    if (Pusher.log || Pusher.logToConsole) this.#river.debug(print);
    const { state, reason } = this.#river;
    // In a page it has begun by itself.
    if (state === "closed") this.#river.connect();
    else this.connection.follow({ state, reason }, this.#river.session);
  }

  /** Connect again after `disconnect`: channels go on where they were. */
  connect() {
    this.#river.connect();
  }

  /** Close the connection and stay closed until `connect`. */
  disconnect() {
    this.#river.disconnect();
  }

  /**
   * Subscribe, whether there is a connection or not.
   *
   * @param {string} name
   * @returns {Channel} the same object for the same name, until it is unsubscribed; one whose name begins
   *   with `presence-` has `members`
   */
  subscribe(name) {
    const { channels } = this.channels;
    const channel = channels[name] ?? newChannel(name, this, this.#river);
    channels[name] = channel;
    channel.subscribe();
    return channel;
  }

  /**
   * Leave a channel.
   *
   * @param {string} name
   */
  unsubscribe(name) {
    this.channel(name)?.unsubscribe();
    delete this.channels.channels[name];
  }

  /** Leave all channels. */
  unsubscribeAll() {
    each(this, ({ name }) => this.unsubscribe(name));
  }

  /**
   * A channel that was subscribed to.
   *
   * @param {string} name
   * @returns {Channel | undefined}
   */
  channel(name) {
    return this.channels.find(name);
  }

  /**
   * All channels that were subscribed to.
   *
   * @returns {Channel[]}
   */
  allChannels() {
    return this.channels.all();
  }

  /**
   * Call back for an event on whatever channel.
   *
   * @param {string} name
   * @param {Callback} callback
   * @param {unknown} [context] what `this` is for the callback
   * @returns {this}
   */
  bind(name, callback, context) {
    this.global_emitter.bind(name, callback, context);
    return this;
  }

  /**
   * End what `bind` began; each argument that is left out stands for all.
   *
   * @param {string} [name]
   * @param {Callback} [callback]
   * @param {unknown} [context]
   * @returns {this}
   */
  unbind(name, callback, context) {
    this.global_emitter.unbind(name, callback, context);
    return this;
  }

  /**
   * Call back for every event on every channel.
   *
   * @param {(name: string, data: any) => void} callback
   * @returns {this}
   */
  bind_global(callback) {
    this.global_emitter.bind_global(callback);
    return this;
  }

  /**
   * End what `bind_global` began.
   *
   * @param {Callback} [callback] without it all
   * @returns {this}
   */
  unbind_global(callback) {
    this.global_emitter.unbind_global(callback);
    return this;
  }

  /**
   * End what `bind` and `bind_global` began; callbacks of channels stay.
   *
   * @returns {this}
   */
  unbind_all() {
    this.global_emitter.unbind_all();
    return this;
  }

  /** Have the events of the token's user come to `pusher.user`. */
  signin() {
    this.user.signin();
  }

  /**
   * Send a client event; `channel.trigger` does it.
   *
   * @param {string} event
   * @param {unknown} data
   * @param {string} [channel]
   * @returns {boolean} whether it was sent; a refusal comes as `error` of `pusher.connection`
   */
  send_event(event, data, channel) {
    if (this.connection.state !== "connected" || !channel || !event.startsWith("client-"))
      return false;
    const exclude = this.#river.session ?? undefined;
    this.#river.publish(channel, event, data, { exclude }).catch(({ code, message }) => {
      const error = failure(code === "too_fast" ? TOO_MANY_EVENTS : null, message);
      this.connection.emit("error", error);
      this.said({ event: "pusher:error", data: error.data });
    });
    return true;
  }

  // What the server said: for who listens to everything.
  /** @param {{event: string, channel?: string, data: unknown}} message */
  said(message) {
    this.connection.emit("message", message);
    this.global_emitter.emit(message.event, message.data);
  }
}

export default Pusher;

/**
 * @param {Pusher} pusher
 * @param {(channel: Channel) => void} task
 */
function each(pusher, task) {
  for (const channel of pusher.allChannels()) task(channel);
}

/**
 * @param {PusherOptions} options
 * @returns {import("../src/river.js").Options}
 */
function riverOptions(options) {
  const token = options.token ?? options.jwt;
  const given = { ...options };
  if (!token && ENDPOINTS.some((name) => name in given))
    console.warn("River: give the option token, no auth endpoint is asked (docs/pusher.md)");
  const isGuest = !("token" in options || "jwt" in options);
  const who = isGuest ? {} : { token: token ?? "" };
  const { WebSocket } = options;
  return { host: address(options), ...who, ...(WebSocket ? { WebSocket } : {}) };
}

/**
 * @param {string} line
 * @param {unknown} what
 */
function print(line, what) {
  (Pusher.log ?? console.log)(`Pusher : ${line} ${JSON.stringify(what)}`);
}
