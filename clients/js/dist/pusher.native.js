/* River 0.1.0 */

// pusher/pusher.js
import { River } from "./river.native.js";

// pusher/address.js
function address(options, page = globalThis.location) {
  const { host, url, wsHost, wsPort = 80, wssPort = 443, wsPath = "", forceTLS } = options;
  if (host || url || !wsHost) return host ?? url;
  const isSecure = forceTLS !== false || page?.protocol === "https:";
  const start = isSecure ? `https://${wsHost}:${wssPort}` : `http://${wsHost}:${wsPort}`;
  return start + wsPath.replace(/^\/t\/[^/]+/, "");
}

// pusher/authorization.js
var ANSWER_MS = 1e4;
async function sharedSecret(options, channel, socketId) {
  return (await soon(answer(options, channel, socketId)))?.shared_secret ?? "";
}
function answer(options, channel, socketId) {
  const { authEndpoint, auth, authorizer, channelAuthorization } = options;
  const asked = channelAuthorization ?? { endpoint: authEndpoint, ...auth };
  const { customHandler } = asked;
  if (customHandler)
    return called((callback) => customHandler({ socketId, channelName: channel.name }, callback));
  if (authorizer && !channelAuthorization)
    return called((callback) => authorizer(channel, options).authorize(socketId, callback));
  return posted(asked, { socket_id: socketId, channel_name: channel.name });
}
function called(ask) {
  return new Promise(
    (resolve, reject) => ask((error, given) => error ? reject(error) : resolve(given))
  );
}
async function posted(asked, question) {
  const { endpoint = "/pusher/auth", params, headers, paramsProvider, headersProvider } = asked;
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      "Content-Type": "application/x-www-form-urlencoded",
      ...headers,
      ...headersProvider?.()
    },
    body: String(new URLSearchParams({ ...question, ...params, ...paramsProvider?.() }))
  });
  const { status } = response;
  if (status !== 200) throw Object.assign(new Error(`${endpoint} answered ${status}`), { status });
  return response.json();
}
function soon(asked) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no key in 10 s")), ANSWER_MS);
  });
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}

// pusher/dispatcher.js
var Dispatcher = class {
  /** @type {Map<string, Binding[]>} */
  #bindings = /* @__PURE__ */ new Map();
  /** @type {Callback[]} */
  #global = [];
  /**
   * @param {string} name
   * @param {Callback} callback
   * @param {unknown} [context] what `this` is for the callback
   * @returns {this}
   */
  bind(name, callback, context) {
    const bound = this.#bindings.get(name) ?? [];
    bound.push({ callback, context });
    this.#bindings.set(name, bound);
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
    for (const key of name ? [name] : [...this.#bindings.keys()]) {
      const stays = (one) => callback && one.callback !== callback || context && one.context !== context;
      this.#bindings.set(key, (this.#bindings.get(key) ?? []).filter(stays));
    }
    return this;
  }
  /**
   * @param {(name: string, data: any) => void} callback called for every name
   * @returns {this}
   */
  bind_global(callback) {
    this.#global.push(callback);
    return this;
  }
  /**
   * @param {Callback} [callback] without it all
   * @returns {this}
   */
  unbind_global(callback) {
    this.#global = callback ? this.#global.filter((one) => one !== callback) : [];
    return this;
  }
  /** @returns {this} */
  unbind_all() {
    return this.unbind().unbind_global();
  }
  /**
   * @param {string} name
   * @param {unknown} [data]
   * @param {{user_id?: string}} [metadata] of an event of a channel
   * @returns {this}
   */
  emit(name, data, metadata) {
    for (const callback of this.#global) callback(name, data);
    const known = data ? [data] : [];
    const args = metadata ? [data, metadata] : known;
    for (const { callback, context } of this.#bindings.get(name) ?? [])
      callback.apply(context || globalThis, args);
    return this;
  }
};

// pusher/encryption.js
var Encryption = class {
  #nacl;
  #askSecret;
  /** Empty before there is one: it opens nothing. */
  #key = new Uint8Array();
  /** @type {Promise<void> | null} */
  #asking = null;
  /** @type {Held[] | null} events that came since one did not fit the key */
  #held = null;
  /**
   * @param {NaCl} nacl
   * @param {() => Promise<string>} askSecret
   */
  constructor(nacl, askSecret) {
    this.#nacl = nacl;
    this.#askSecret = askSecret;
  }
  /** Have a key; rejected when there is none. */
  async unlock() {
    if (!this.#key.length) await this.#renew();
  }
  /**
   * Open an event. One that does not fit the key may have been sent with the next one: it is asked for
   * once, and what comes meanwhile waits, so that the order stays.
   *
   * @param {any} data of the event
   * @param {(opened: unknown) => void} then not called for what cannot be opened
   */
  open(data, then) {
    if (this.#held) {
      this.#held.push({ data, then });
      return;
    }
    const text = this.#text(data);
    if (text !== null) then(parsed(text));
    else if (!data?.nonce || !data.ciphertext)
      console.warn("River: left out what is not encrypted");
    else {
      this.#held = [{ data, then }];
      this.#renew().catch((error) => console.warn(`River: ${error.message}`)).then(() => this.#release());
    }
  }
  #renew() {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }
  async #ask() {
    const key = bytes(await this.#askSecret());
    if (key.length !== this.#nacl.secretbox.keyLength) throw new Error("no shared_secret");
    this.#key = key;
  }
  #release() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const { data, then } of held) {
      const text = this.#text(data);
      if (text === null) console.warn("River: left out what fits no key");
      else isolated(() => then(parsed(text)));
    }
  }
  /**
   * @param {any} data
   * @returns {string | null} null for what the key does not open
   */
  #text(data) {
    try {
      const opened = this.#nacl.secretbox.open(
        bytes(data.ciphertext),
        bytes(data.nonce),
        this.#key
      );
      return opened && utf8(opened);
    } catch {
      return null;
    }
  }
};
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
function utf8(encoded) {
  const escaped = (byte) => `%${byte.toString(16).padStart(2, "0")}`;
  return decodeURIComponent([...encoded].map(escaped).join(""));
}
function isolated(task) {
  try {
    task();
  } catch (error) {
    (globalThis.reportError ?? console.error)(error);
  }
}

// pusher/members.js
var Members = class {
  /** @type {Record<string, any>} What is known about each member, by its id */
  members = {};
  /** How many there are. */
  count = 0;
  /** @type {string | null} The id of the page's user. */
  myID = null;
  /** @type {PusherMember | null} The page's user. */
  me = null;
  /**
   * A member, as `{id, info}`.
   *
   * @param {string} id
   * @returns {PusherMember | null} null for who is not there
   */
  get(id) {
    return Object.hasOwn(this.members, id) ? { id, info: this.members[id] } : null;
  }
  /**
   * Call back for each member.
   *
   * @param {(member: PusherMember) => void} callback
   */
  each(callback) {
    for (const id of Object.keys(this.members))
      callback(
        /** @type {PusherMember} */
        this.get(id)
      );
  }
  /**
   * Take over a list of the server.
   *
   * @param {Roster} roster
   * @param {string | null} myID
   */
  replace({ count, members }, myID) {
    this.members = Object.fromEntries([...members].map(([id, info]) => [id, info ?? null]));
    this.count = count;
    this.myID = myID;
    this.me = myID === null ? null : this.get(myID);
  }
  /**
   * @param {string} id
   * @param {unknown} info
   * @returns {PusherMember | null} null when this is no news
   */
  add(id, info) {
    if (this.get(id)) return null;
    const value = info ?? null;
    const own = { value, enumerable: true, writable: true, configurable: true };
    Object.defineProperty(this.members, id, own);
    this.count += 1;
    return this.get(id);
  }
  /**
   * @param {string} id
   * @returns {PusherMember | null} null when this is no news
   */
  remove(id) {
    const member = this.get(id);
    if (!member) return null;
    delete this.members[id];
    this.count -= 1;
    return member;
  }
  /** Nothing is known: there is no connection. */
  reset() {
    this.replace({ count: 0, members: /* @__PURE__ */ new Map() }, null);
  }
};

// pusher/channel.js
var RESERVED = /^pusher(_internal)?:/;
var CACHE_LOOK_MAX = 20;
var PusherChannel = class extends Dispatcher {
  subscribed = false;
  subscriptionPending = false;
  subscriptionCancelled = false;
  /** @type {null} River's own protocol does not report it */
  subscriptionCount = null;
  /** @type {Encryption | null} */
  encryption = null;
  #river;
  /** Whether River's client has the channel. */
  #isOpen = false;
  /**
   * @param {string} name
   * @param {Pusher} pusher
   * @param {River} river
   */
  constructor(name, pusher, river) {
    super();
    this.name = name;
    this.pusher = pusher;
    this.#river = river;
  }
  /**
   * Send an event to the others on the channel.
   *
   * @param {string} event begins with `client-`
   * @param {unknown} data
   * @returns {boolean} whether it was sent
   */
  trigger(event, data) {
    if (this.encryption) throw new Error(`${this.name} has no client events`);
    if (!event.startsWith("client-"))
      throw new Error(`Event '${event}' does not start with 'client-'`);
    return this.pusher.send_event(event, data, this.name);
  }
  /** Subscribe; again after a refusal. For `pusher.subscribe`. */
  subscribe() {
    this.pending();
    if (!this.encryption) this.#open();
  }
  #open() {
    const channel = this.#river.subscribe(this.name, this.#isOpen ? {} : this.options);
    if (this.#isOpen) channel.unsubscribe();
    else this.#listen(channel);
    this.#isOpen = true;
  }
  /** For `pusher.unsubscribe`. */
  unsubscribe() {
    this.disconnect();
    if (this.#isOpen) this.#river.unsubscribe(this.name);
    this.#isOpen = false;
  }
  /** @param {import("../src/channel.js").Channel<any>} channel */
  #listen(channel) {
    channel.on("river:subscribed", (detail) => this.live(detail));
    channel.on("river:error", (error) => this.#refused(error));
    channel.on(
      "river:gap",
      ({ reloadAfterMs }) => this.#say("river:gap", { reload_after_ms: reloadAfterMs })
    );
    channel.on("*", (_, event) => this.received(event));
    this.listen(channel);
  }
  /** The connection is there: the server is asked, after who has the key. */
  pending() {
    this.subscriptionPending = !this.subscribed && this.pusher.connection.state === "connected";
    if (this.encryption && this.subscriptionPending) this.#unlock(this.encryption);
  }
  /** @param {Encryption} encryption */
  async #unlock(encryption) {
    try {
      await encryption.unlock();
      if (this.#isUsed()) this.#open();
    } catch (error) {
      if (this.#isUsed()) this.#locked(
        /** @type {Error} */
        error
      );
    }
  }
  #isUsed() {
    return this.pusher.channel(this.name) === this;
  }
  /** @param {Error & {status?: number}} error */
  #locked({ message, status }) {
    this.disconnect();
    const detail = { type: "AuthError", error: message };
    this.emit("pusher:subscription_error", status ? { ...detail, status } : detail);
  }
  /** The connection is gone. */
  disconnect() {
    this.subscribed = this.subscriptionPending = false;
  }
  /** @type {import("../src/river.js").SubscribeOptions} of River's client */
  get options() {
    return {};
  }
  /**
   * @param {{recovered: boolean} & Position} detail
   * @returns {void}
   */
  live({ recovered }) {
    if (!this.subscribed || !recovered) this.#succeeded({});
  }
  /** @param {import("../src/channel.js").Channel<any>} _channel to listen to for more */
  listen(_channel) {
  }
  /**
   * @param {Publication | import("../src/channel.js").EventDetail} event
   * @returns {void}
   */
  received({ event, data, user }) {
    if (RESERVED.test(event)) return;
    if (!this.encryption) this.#say(event, data, this.metadata(user));
    else {
      this.encryption.open(data, (opened) => this.#isUsed() && this.emit(event, opened));
      this.pusher.said({ event, channel: this.name, data });
    }
  }
  /**
   * @param {string | undefined} _user whose event it is
   * @returns {{user_id?: string}}
   */
  metadata(_user) {
    return {};
  }
  /** @param {unknown} data */
  succeeded(data) {
    this.#succeeded(data);
  }
  /** No event is cached. */
  missed() {
    this.#say("pusher:cache_miss", void 0);
  }
  /** @param {unknown} data */
  #succeeded(data) {
    this.subscribed = true;
    this.subscriptionPending = false;
    this.emit("pusher:subscription_succeeded", data);
  }
  /** @param {RiverError} error */
  #refused({ code, message }) {
    this.disconnect();
    if (code === "removed") this.#isOpen = false;
    const status = code === "forbidden" ? 403 : 401;
    const known = ["forbidden", "unauthenticated", "grant", "removed"].includes(code);
    const detail = known ? { type: "AuthError", status } : { type: "SubscriptionError" };
    this.emit("pusher:subscription_error", { ...detail, error: message });
  }
  /**
   * @param {string} event
   * @param {unknown} data
   * @param {{user_id?: string}} [metadata]
   */
  #say(event, data, metadata = {}) {
    this.emit(event, data, metadata);
    this.pusher.said({ event, channel: this.name, data });
  }
};
var CacheChannel = class extends PusherChannel {
  #river;
  /** @type {number} what is not after this offset was there before the page */
  #startedAt = Infinity;
  #hasEvent = false;
  /**
   * @param {string} name
   * @param {Pusher} pusher
   * @param {River} river
   */
  constructor(name, pusher, river) {
    super(name, pusher, river);
    this.#river = river;
  }
  get options() {
    return { history: 1 };
  }
  /** @param {{recovered: boolean} & Position} detail */
  live(detail) {
    super.live(detail);
    this.#startedAt = detail.recovered ? 0 : detail.offset;
    this.#hasEvent = detail.recovered;
    if (!detail.recovered) this.#look().catch(() => {
    });
  }
  /** @param {Publication | import("../src/channel.js").EventDetail} event */
  received(event) {
    if ((event.offset ?? Infinity) <= this.#startedAt && isOfClient(event)) return;
    this.#hasEvent = true;
    super.received(event);
  }
  /** The answer follows the cached event, if there is one that the subscription itself brings. */
  async #look() {
    const at = this.#startedAt;
    const { publications } = await this.#river.history(this.name, { limit: CACHE_LOOK_MAX });
    if (this.#hasEvent || at !== this.#startedAt) return;
    const last = publications.findLast((one) => one.offset <= at && !isOfClient(one));
    if (last) this.received(last);
    else this.missed();
  }
};
var PresenceChannel = class extends PusherChannel {
  members = new Members();
  #river;
  /**
   * @param {string} name
   * @param {Pusher} pusher
   * @param {River} river
   */
  constructor(name, pusher, river) {
    super(name, pusher, river);
    this.#river = river;
  }
  disconnect() {
    super.disconnect();
    this.members.reset();
  }
  /** The list of members follows, and with it the subscription has succeeded. */
  live() {
  }
  /** @param {import("../src/channel.js").Channel<any>} channel */
  listen(channel) {
    channel.on("river:presence", (presence) => {
      this.members.replace(presence, this.#river.user);
      this.succeeded(this.members);
    });
    channel.on("river:joined", ({ user, info }) => {
      const member = this.members.add(user, info);
      if (member) this.emit("pusher:member_added", member);
    });
    channel.on("river:left", ({ user }) => {
      const member = this.members.remove(user);
      if (member) this.emit("pusher:member_removed", member);
    });
  }
  /** @param {string | undefined} user */
  metadata(user) {
    return user === void 0 ? {} : { user_id: user };
  }
};
function isOfClient({ event }) {
  return event.startsWith("client-");
}
function newChannel(name, pusher, river) {
  if (name.startsWith("#")) throw new Error(`Cannot create a channel with name "${name}".`);
  if (name.startsWith("presence-")) return new PresenceChannel(name, pusher, river);
  const Kind = /^(private-(encrypted-)?)?cache-/.test(name) ? CacheChannel : PusherChannel;
  const channel = new Kind(name, pusher, river);
  if (name.startsWith("private-encrypted-")) channel.encryption = newEncryption(channel);
  return channel;
}
function newEncryption({ name, pusher }) {
  const { options, connection } = pusher;
  if (!options.nacl) throw new Error(`${name}: give the option nacl`);
  return new Encryption(
    options.nacl,
    () => sharedSecret(options, { name }, connection.socket_id ?? "")
  );
}

// pusher/connection.js
var PusherConnection = class extends Dispatcher {
  /** @type {PusherState} */
  state = "initialized";
  /** @type {string | undefined} this page for `exclude` and for the header `X-Socket-ID` */
  socket_id;
  #unavailableMs;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @param {number} unavailableMs after so long without a connection the state is `unavailable` */
  constructor(unavailableMs) {
    super();
    this.#unavailableMs = unavailableMs;
  }
  /**
   * Take over what River's client says.
   *
   * @param {import("../src/status.js").Status} status
   * @param {string | null} session
   */
  follow(status, session) {
    const { state, code, reason } = status;
    if (code && state !== "connected" && this.state === "connected")
      this.emit("error", failure(code, reason));
    if (state === "connected") this.#connected(session ?? void 0);
    else if (state === "closed") this.#ended(status);
    else this.#connecting(status);
  }
  /** @param {string | undefined} socketId */
  #connected(socketId) {
    clearTimeout(this.#timer);
    this.socket_id = socketId;
    this.#move("connected", { socket_id: socketId });
  }
  /** @param {import("../src/status.js").Status} status */
  #ended({ code, reason }) {
    clearTimeout(this.#timer);
    if (code) this.emit("error", { type: "WebSocketError", error: failure(code, reason) });
    this.#move("disconnected");
  }
  /** @param {import("../src/status.js").Status} status */
  #connecting({ state, retryInMs }) {
    if (state === "waiting" && retryInMs) this.emit("connecting_in", Math.round(retryInMs / 1e3));
    if (this.state === "connecting" || this.state === "unavailable") return;
    this.#timer = setTimeout(() => this.#move("unavailable"), this.#unavailableMs);
    this.#move("connecting");
  }
  /**
   * @param {PusherState} current
   * @param {unknown} [data]
   */
  #move(current, data) {
    const previous = this.state;
    if (previous === current) return;
    this.state = current;
    this.emit("state_change", { previous, current });
    this.emit(current, data);
  }
};
function failure(code, message) {
  return { type: "PusherError", data: { code, message } };
}

// pusher/user.js
var PusherUser = class extends Dispatcher {
  signin_requested = false;
  /** @type {{id: string} | null} who has signed in */
  user_data = null;
  /** @type {Promise<void> | null} done when the sign-in has succeeded or failed; never rejected */
  signinDonePromise = null;
  /** River's own protocol does not say who else is online: nothing comes here. */
  watchlist = new Dispatcher();
  #pusher;
  #river;
  /** @type {(() => void) | null} */
  #done = null;
  /**
   * @param {import("./pusher.js").Pusher} pusher
   * @param {import("../src/river.js").River} river
   */
  constructor(pusher, river) {
    super();
    this.#pusher = pusher;
    this.#river = river;
    pusher.connection.bind("state_change", ({ previous, current }) => {
      if (current === "connected") this.#signIn();
      else if (previous === "connected") this.#signOut();
    });
    river.me.on("*", (data, { event }) => {
      if (!this.user_data || event.startsWith("pusher:")) return;
      this.emit(event, data);
      pusher.said({ event, data });
    });
  }
  /** The token says who the user is: nobody else is asked. */
  signin() {
    if (this.signin_requested) return;
    this.signin_requested = true;
    this.#expect();
    queueMicrotask(() => this.#signIn());
  }
  #signIn() {
    if (!this.signin_requested || this.user_data) return;
    this.#expect();
    if (this.#pusher.connection.state !== "connected") return;
    const id = this.#river.user;
    if (id === null) this.emit("pusher:signin_error", { type: "AuthError", error: "a guest" });
    else {
      this.user_data = { id };
      const data = { user_data: JSON.stringify(this.user_data) };
      this.#pusher.said({ event: "pusher:signin_success", data });
    }
    this.#done?.();
    this.#done = null;
  }
  #signOut() {
    this.user_data = null;
    if (this.signin_requested) this.#expect();
  }
  #expect() {
    if (this.#done) return;
    this.signinDonePromise = new Promise((resolve) => {
      this.#done = resolve;
    });
  }
};

// pusher/pusher.js
var UNAVAILABLE_MS = 1e4;
var TOO_MANY_EVENTS = 4301;
var ENDPOINTS = ["auth", "authEndpoint", "authorizer", "channelAuthorization"];
var Channels = class {
  /** @type {Record<string, Channel>} */
  channels = /* @__PURE__ */ Object.create(null);
  all() {
    return Object.values(this.channels);
  }
  /** @param {string} name */
  find(name) {
    return this.channels[name];
  }
};
var Pusher = class _Pusher {
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
    if (key === void 0 || key === null) throw new Error("You must pass your app key");
    this.key = key;
    this.options = options;
    this.#river = new River(riverOptions(options));
    this.connection = new PusherConnection(options.unavailableTimeout ?? UNAVAILABLE_MS);
    this.connection.bind("connected", () => each(this, (channel) => channel.pending())).bind("connecting", () => each(this, (channel) => channel.disconnect())).bind("disconnected", () => each(this, (channel) => channel.disconnect()));
    this.user = new PusherUser(this, this.#river);
    this.#river.on("state", (status) => this.connection.follow(status, this.#river.session));
    if (_Pusher.log || _Pusher.logToConsole) this.#river.debug(print);
    const { state, reason } = this.#river;
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
    const exclude = this.#river.session ?? void 0;
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
};
var pusher_default = Pusher;
function each(pusher, task) {
  for (const channel of pusher.allChannels()) task(channel);
}
function riverOptions(options) {
  const token = options.token ?? options.jwt;
  const given = { ...options };
  if (!token && ENDPOINTS.some((name) => name in given))
    console.warn("River: give the option token, no auth endpoint is asked (docs/pusher.md)");
  const isGuest = !("token" in options || "jwt" in options);
  const who = isGuest ? {} : { token: token ?? "" };
  const { WebSocket } = options;
  return { host: address(options), ...who, ...WebSocket ? { WebSocket } : {} };
}
function print(line, what) {
  (Pusher.log ?? console.log)(`Pusher : ${line} ${JSON.stringify(what)}`);
}
export {
  Pusher,
  pusher_default as default
};
