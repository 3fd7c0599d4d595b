/* River 0.1.0 */
var __defProp = Object.defineProperty;
var __getOwnPropNames = Object.getOwnPropertyNames;
var __esm = (fn, res, err) => function __init() {
  if (err) throw err[0];
  try {
    return fn && (res = (0, fn[__getOwnPropNames(fn)[0]])(fn = 0)), res;
  } catch (e) {
    throw err = [e], e;
  }
};
var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};

// src/channel.js
var SYSTEM_EVENTS, Channel;
var init_channel = __esm({
  "src/channel.js"() {
    "use strict";
    SYSTEM_EVENTS = [
      "river:subscribed",
      "river:gap",
      "river:error",
      "river:joined",
      "river:left",
      "river:presence"
    ];
    Channel = class {
      /** The same as `on`. */
      bind = this.on;
      /** The same as `off`. */
      unbind = this.off;
      #delivery;
      #river;
      /**
       * @param {import("./delivery.js").Delivery} delivery
       * @param {import("./river.js").River} river
       */
      constructor(delivery, river) {
        this.#delivery = delivery;
        this.#river = river;
      }
      /** The channel's name. */
      get name() {
        return this.#delivery.subscription.channel;
      }
      /** Whether events arrive at the moment; not while a snapshot is still to come. */
      get live() {
        return this.#delivery.live;
      }
      /**
       * Up to where the callbacks have seen the channel; null before it was live for the first time.
       *
       * @returns {Position | null}
       */
      get position() {
        return this.#delivery.subscription.position;
      }
      /**
       * Who is on the channel, for channels whose name begins with `presence-`.
       *
       * The list is live: look again when `river:joined`, `river:left` or `river:presence` comes.
       *
       * @returns {Presence}
       */
      get presence() {
        return this.#delivery.presence;
      }
      /**
       * Call back for each event of a name, in order, each once.
       *
       * `"*"` stands for all events of the application. Names that begin with `river:` are what River itself
       * says about the channel; whatever name a publisher chooses, it cannot call those.
       *
       * @template {EventName<E>} K
       * @param {K} name
       * @param {Handler<E, K>} callback
       * @returns {this}
       */
      on(name, callback) {
        this.#emitter(name).on(name, callback);
        return this;
      }
      /**
       * End what `on` began, for one callback or for all of the name.
       *
       * @template {EventName<E>} K
       * @param {K} name
       * @param {Handler<E, K>} [callback]
       * @returns {this}
       */
      off(name, callback) {
        this.#emitter(name).off(name, callback);
        return this;
      }
      /** The same as `river.unsubscribe(channel.name)`. */
      unsubscribe() {
        if (this.#delivery.users) this.#river.unsubscribe(this.name);
      }
      /**
       * Publish an event, if the token grants it; see `river.publish`.
       *
       * @template {keyof E & string} K
       * @param {K} event
       * @param {E[K]} data anything that JSON can say
       * @param {import("./protocol.js").PublishOptions} [options]
       * @returns {Promise<import("./protocol.js").Receipt>}
       */
      publish(event, data, options) {
        return this.#river.publish(this.name, event, data, options);
      }
      /**
       * Ask for what was published; see `river.history`.
       *
       * @param {{limit?: number, after?: Position}} [options]
       * @returns {Promise<Position & {publications: Publication[]}>}
       */
      history(options) {
        return this.#river.history(this.name, options);
      }
      /** @param {string} name */
      #emitter(name) {
        return name.startsWith("river:") ? this.#delivery.system : this.#delivery.events;
      }
    };
  }
});

// src/advice.js
function advice(topic, facts) {
  return ADVICE[topic](...facts);
}
function tokenCure(reason) {
  return TOKEN_CURES.find(([pattern]) => pattern.test(reason))?.[1] ?? "";
}
function slips(name, known) {
  const missing = (one, other) => [...one].filter((letter) => !other.includes(letter)).length;
  return missing(name, known) + missing(known, name);
}
var CURES, KNOWN, TOKEN_CURES, FIXED_CURE, DOUBTS, ADVICE;
var init_advice = __esm({
  "src/advice.js"() {
    "use strict";
    init_channel();
    CURES = {
      forbidden: "Grant it in the token, in subscribe or channels",
      channel_invalid: "Choose another name",
      invalid_field: "Correct the options of its subscribe",
      too_many_channels: "Unsubscribe from what is not shown",
      unauthenticated: "Give new River the option token, or open the channel to guests with a rule"
    };
    KNOWN = {
      option: ["host", "url", "token", "jwt", "queue", "WebSocket"],
      "option of subscribe": ["history", "since", "onGap", "snapshot"],
      "option of publish": ["keep", "exclude"],
      event: ["state"],
      "event of channels": SYSTEM_EVENTS
    };
    TOKEN_CURES = [
      [/answered 40[13]$|HTML page$/, ": is the user logged in?"],
      [/not the bare text$/, ': give the token alone, without quotes, or as {"token": "..."}'],
      [/^no token: it is (\w+)$/, ": return the text, or what fetch gives"],
      [/fits none of the secrets$/, ": sign it with the first of RIVER_SECRETS"],
      [/has expired$/, ": is it an old one, or a clock wrong?"]
    ];
    FIXED_CURE = ". Only a function can give another token";
    DOUBTS = "is it a gateway (port 8000, not 8001)? wss: for an https: page? This origin in RIVER_ALLOWED_ORIGINS?";
    ADVICE = {
      /** A name of an option or event that nobody knows. */
      unknown(name, what) {
        const known = KNOWN[what] ?? [];
        const [near = ""] = [...known].sort((a, b) => slips(name, a) - slips(name, b));
        const guess = slips(name, near) < 3 ? near : known.join('", "');
        return `no ${what} "${name}": did you mean "${guess}"?`;
      },
      /** An option that only the first `subscribe` to a channel can give. */
      ignored(channel, name) {
        if (!KNOWN["option of subscribe"]?.includes(name)) return void 0;
        return `"${channel}" was subscribed before, without ${name}: it is ignored`;
      },
      /** A channel that was refused. */
      refused(channel, code, message, token) {
        if (token && code === "unauthenticated") return void 0;
        const what = code === "too_many_channels" ? "a channel" : `channel "${channel}"`;
        return CURES[code] && `${what} refused: ${message} (${code}). ${CURES[code]}`;
      },
      /** A callback for members of a channel that has none. */
      memberless(channel, event) {
        return `no "${event}" on "${channel}": only channels called presence-..., or with a rule, have members`;
      },
      /** A snapshot that failed; it is loaded again and again. */
      stale(words) {
        const cure = /SyntaxError/.test(words) ? "Does it look at response.ok? " : "";
        return `${words}. ${cure}It is loaded again; until then events wait and the channel is not live`;
      },
      /** Between two attempts to connect. */
      waiting(reason, code, url, error) {
        const isToken = String(error?.code).startsWith("token_");
        if ((code || 1006) === 1006 && !isToken) return `no connection to ${url}: ${DOUBTS}`;
        return `waiting: ${reason}${tokenCure(reason)}`;
      },
      /** For good. */
      closed(reason, code) {
        return `closed: ${reason}${code === 4401 ? FIXED_CURE : tokenCure(reason)}`;
      },
      connecting: () => void 0,
      connected: () => void 0
    };
  }
});

// src/event-source.js
async function readEvents(body, { heard, message }) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    rest += decoder.decode(value, { stream: true });
    const events = rest.split("\n\n");
    rest = /** @type {string} */
    events.pop();
    for (const event of events)
      for (const line of event.split("\n")) if (line.startsWith("data: ")) message(line.slice(6));
  }
}
var init_event_source = __esm({
  "src/event-source.js"() {
    "use strict";
  }
});

// src/protocol.js
function decode(text) {
  try {
    const message = JSON.parse(
      /** @type {string} */
      text
    );
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}
function encode(message) {
  return JSON.stringify(message);
}
var OWN;
var init_protocol = __esm({
  "src/protocol.js"() {
    "use strict";
    OWN = "#user";
  }
});

// src/feed.js
var FIRST_MS, POLL_MS, POLL_WAIT_S, TOGETHER_MS, AGAIN_MS, SHORT_MS, CHANNELS_MAX, LETTERS_MAX, PAST_MS, PASSING, buffered, Feed;
var init_feed = __esm({
  "src/feed.js"() {
    "use strict";
    init_event_source();
    init_protocol();
    FIRST_MS = 5e3;
    POLL_MS = 4e4;
    POLL_WAIT_S = 25;
    TOGETHER_MS = 20;
    AGAIN_MS = 1e3;
    SHORT_MS = 1e4;
    CHANNELS_MAX = 50;
    LETTERS_MAX = 4e3;
    PAST_MS = 1e3;
    PASSING = ["broker_unavailable", "unavailable", "internal", "unknown", "too_fast"];
    buffered = /* @__PURE__ */ new Set();
    Feed = class {
      /** @type {Map<string, FeedChannel>} */
      channels = /* @__PURE__ */ new Map();
      /** @type {FeedChannel} that of the token's user: the server subscribes to it */
      own = { isAsked: true, history: 0, answeredAt: 0 };
      /** When something came last, by the wall clock: others stand still while a machine sleeps. */
      heardAt = 0;
      #owner;
      /** @type {Run | null} whose messages count */
      #current = null;
      /** @type {Run | null} */
      #next = null;
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      #timer;
      #closed = false;
      /** How many requests in a row ended soon. */
      #short = 0;
      /** @param {Owner} owner */
      constructor(owner) {
        this.#owner = owner;
      }
      get isPolling() {
        return this.#owner.polls || buffered.has(this.#owner.url);
      }
      /** Whether something came lately enough for the server to be there. */
      get isAlive() {
        return Date.now() - this.heardAt < (this.isPolling ? POLL_MS : 2e4);
      }
      /** @param {string} name */
      hasRoomFor(name) {
        const letters = [...this.channels.keys()].reduce((sum, one) => sum + one.length, name.length);
        return this.channels.size < CHANNELS_MAX && letters <= LETTERS_MAX;
      }
      /** Ask anew, with the channels and the token as they are then. */
      restart(delayMs = TOGETHER_MS) {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#begin(), delayMs);
      }
      close() {
        this.#closed = true;
        clearTimeout(this.#timer);
        this.#next?.abort.abort();
        this.#current?.abort.abort();
      }
      #begin() {
        this.#next?.abort.abort();
        const names = [...this.channels.keys()];
        const run = { names, abort: new AbortController(), spokeAt: 0, isSilent: false };
        this.#next = run;
        this.#follow(run);
      }
      /** @param {Run} run */
      async #follow(run) {
        const polls = this.isPolling;
        const limit = setTimeout(() => run.spokeAt || this.#silence(run), polls ? POLL_MS : FIRST_MS);
        try {
          if (polls) await this.#poll(run);
          else await this.#stream(run);
        } catch {
        }
        clearTimeout(limit);
        if (this.#closed || run.abort.signal.aborted && !run.isSilent) return;
        if (!run.isSilent || polls) return this.#ended(run);
        buffered.add(this.#owner.url);
        this.#begin();
      }
      /** @param {Run} run that is kept back on the way */
      #silence(run) {
        run.isSilent = true;
        run.abort.abort();
      }
      /** @param {Run} run */
      async #stream(run) {
        const { body } = await this.#get(run, "");
        if (!body?.getReader) return this.#silence(run);
        return readEvents(body, {
          heard: () => {
            this.heardAt = Date.now();
          },
          message: (text) => this.#take(run, JSON.parse(text))
        });
      }
      /** @param {Run} run */
      async #poll(run) {
        for (let waitS = 0; !run.abort.signal.aborted; waitS = POLL_WAIT_S) {
          const answer = await this.#get(run, `&mode=poll&wait_s=${waitS}`);
          const { events } = await answer.json();
          this.heardAt = Date.now();
          for (const message of events) this.#take(run, message);
          if (events.some(({ type }) => type === "bye")) return;
        }
      }
      /**
       * @param {Run} run
       * @param {string} fields
       */
      async #get(run, fields) {
        const { url, headers, secret } = this.#owner;
        const names = run.names.map((name) => `&channel=${encodeURIComponent(name)}`).join("");
        const own = this.own.position ? [`@${this.#start(OWN)}`] : [];
        const cursor = `.${[...run.names.map((name) => this.#start(name)), ...own].join()}`;
        const answer = await fetch(`${url}/events?shape=native${names}${fields}`, {
          headers: { ...headers(), "last-event-id": secret ? `${cursor}.${secret}` : cursor },
          signal: run.abort.signal,
          cache: "no-store"
        });
        if (answer.ok) return answer;
        const { error } = await answer.json();
        const isToken = answer.status === 401;
        this.#owner.end(isToken ? 4401 : 1006, error.message, isToken && error);
        throw new Error(error.message);
      }
      /** @param {string} name */
      #channel(name) {
        return name === OWN ? this.own : this.channels.get(name);
      }
      /**
       * Where a channel begins; see the cursor in docs/http-streaming.md.
       *
       * @param {string} name
       */
      #start(name) {
        const { position, history, answeredAt } = (
          /** @type {FeedChannel} */
          this.#channel(name) ?? { history: 0, answeredAt: 0 }
        );
        const wantsPast = history > 0 && Date.now() - answeredAt < PAST_MS;
        if (position && !wantsPast) return `${position.epoch}:${position.offset}`;
        return history > 0 ? `-${history}` : "-";
      }
      /**
       * @param {Run} run
       * @param {Message} message
       */
      #take(run, message) {
        if (this.#closed || run.abort.signal.aborted) return;
        if (run === this.#next) {
          this.#current?.abort.abort();
          this.#current = run;
          this.#next = null;
        }
        run.spokeAt ||= Date.now();
        if (message.type === "bye") this.#bye(message);
        else if (message.type === "subscribed") this.#subscribed(message);
        else if (message.type === "error" && message.id !== void 0) this.#refused(run, message);
        else this.#tell(message);
      }
      /** @param {Message} message */
      #tell(message) {
        const channel = this.#channel(message.channel);
        if (message.type === "event") {
          if (message.offset === void 0 && this.#next) return;
          if (channel && message.offset !== void 0) this.#moved(channel, message.offset);
        } else if (channel && message.type === "gap") channel.position = /** @type {any} */
        message;
        else if (message.type === "unsubscribed") this.channels.delete(message.channel);
        this.#owner.message(message, this);
      }
      /**
       * @param {FeedChannel} channel
       * @param {number} offset
       */
      #moved(channel, offset) {
        const { position, history } = channel;
        if (!position || history === 0 && offset <= position.offset) return;
        channel.history = 0;
        channel.position = { epoch: position.epoch, offset };
      }
      /** @param {Message} message */
      #subscribed({ id: _, ...message }) {
        const channel = this.#channel(message.channel);
        if (!channel) return this.#owner.message(message, this);
        const { epoch, offset, recovered, presence, reload_after_ms } = message;
        const before = channel.position?.offset ?? offset;
        if (!recovered || !channel.position) channel.position = { epoch, offset };
        if (channel.isAsked) {
          const { id } = channel;
          channel.isAsked = false;
          channel.answeredAt = Date.now();
          return this.#owner.message({ ...message, id }, this);
        }
        const said = { channel: message.channel };
        const isLost = message.reason || !recovered && offset - channel.history > before;
        if (isLost) this.#owner.message({ type: "gap", ...said, epoch, offset, reload_after_ms }, this);
        if (presence) this.#owner.message({ type: "presence", ...said, ...presence }, this);
      }
      /**
       * @param {Run} run
       * @param {Message} message
       */
      #refused(run, message) {
        const name = (
          /** @type {string} */
          run.names[message.id]
        );
        const channel = this.channels.get(name);
        if (!channel) return;
        if (!channel.isAsked && PASSING.includes(message.code)) return this.restart(AGAIN_MS);
        this.channels.delete(name);
        if (channel.isAsked) this.#owner.message({ ...message, id: channel.id }, this);
        else this.#owner.message({ type: "unsubscribed", channel: name, reason: "grant" }, this);
      }
      /** @param {Message} message */
      #bye({ reason, retry_after_ms = 0, code }) {
        const run = (
          /** @type {Run} */
          this.#current
        );
        this.#current = null;
        run.abort.abort();
        if (code) this.#owner.end(code, reason);
        else this.restart(retry_after_ms);
      }
      /** @param {Run} run */
      #ended(run) {
        if (run === this.#current) this.#current = null;
        if (run === this.#next) this.#next = null;
        if (this.#current || this.#next) return this.#next || this.restart(AGAIN_MS);
        if (!run.spokeAt) return this.#owner.end(1006, "");
        this.#short = Date.now() - run.spokeAt < SHORT_MS ? this.#short + 1 : 0;
        return this.restart(Math.random() * Math.min(AGAIN_MS * 2 ** this.#short, SHORT_MS));
      }
    };
  }
});

// src/http-socket.js
function httpUrl(url) {
  return url.replace(/^ws/, "http").replace(/\/ws$/, "");
}
var FEEDS_MAX, NAME, HttpSocket;
var init_http_socket = __esm({
  "src/http-socket.js"() {
    "use strict";
    init_feed();
    FEEDS_MAX = 4;
    NAME = /^[\w=@,.;:|+/~!-]{1,164}$/;
    HttpSocket = class {
      /** @type {any} */
      onopen = null;
      /** @type {any} */
      onmessage = null;
      /** @type {any} */
      onclose = null;
      /** @type {any} */
      onerror = null;
      /** Resolved when it is over. */
      ended;
      #url;
      #polls;
      #token = "";
      /** @type {unknown} the client's number of the question about its token */
      #authId;
      #isAuthAsked = false;
      #isGreeted = false;
      #isOver = false;
      /** @type {string | undefined} */
      #secret;
      /** @type {unknown[]} pings that wait for the server */
      #pings = [];
      /** Publishes go one after the other: two requests could overtake each other. */
      #published = Promise.resolve();
      /** @type {Feed[]} */
      #feeds = [];
      /** @type {() => void} */
      #resolve = () => {
      };
      /**
       * @param {string} url that of a WebSocket
       * @param {{polls?: boolean}} [options] polls: do not try a stream first
       */
      constructor(url, { polls = false } = {}) {
        this.#url = httpUrl(url);
        this.#polls = polls;
        this.ended = new Promise((resolve) => {
          this.#resolve = resolve;
        });
        this.#open();
      }
      /** @returns {"stream" | "poll"} */
      get transport() {
        return this.#feeds[0]?.isPolling ? "poll" : "stream";
      }
      /** As with a WebSocket: connecting, open, closed. */
      get readyState() {
        if (this.#isOver) return 3;
        return this.#feeds.length > 0 ? 1 : 0;
      }
      /** @param {string} text */
      send(text) {
        const { type, ...message } = JSON.parse(text);
        if (type === "auth") this.#authenticate(message);
        else if (type === "subscribe") this.#subscribe(message);
        else if (type === "unsubscribe") this.#unsubscribe(message);
        else if (type === "ping") this.#ping(message.id);
        else if (type === "publish")
          this.#published = this.#published.then(() => this.#ask(type, message));
        else this.#ask(type, message);
      }
      close() {
        this.#isOver = true;
        for (const feed of this.#feeds) feed.close();
        this.#resolve();
      }
      /** Ask the client to connect anew: there is something better now. */
      move() {
        this.#say({ type: "bye", reason: "websocket", retry_after_ms: 0 });
      }
      async #open() {
        try {
          await fetch(`${this.#url}/healthz`, { mode: "no-cors", cache: "no-store" });
        } catch {
          return this.#end(1006, "");
        }
        if (this.#isOver) return;
        this.#newFeed();
        this.onopen?.();
      }
      #newFeed() {
        const socket = this;
        const feed = new Feed({
          url: this.#url,
          polls: this.#polls,
          headers: () => this.#headers(),
          get secret() {
            return socket.#secret;
          },
          message: (message, from) => this.#heard(message, from),
          end: (code, reason, refusal) => this.#end(code, reason, refusal)
        });
        this.#feeds.push(feed);
        feed.restart();
        return feed;
      }
      /** @returns {Record<string, string>} */
      #headers() {
        return this.#token ? { authorization: `Bearer ${this.#token}` } : {};
      }
      /** @param {Message} message */
      #authenticate({ id, token, resume_session, user_position }) {
        this.#token = token;
        this.#authId = id;
        this.#isAuthAsked = true;
        this.#secret ??= resume_session;
        const first = (
          /** @type {Feed} */
          this.#feeds[0]
        );
        if (user_position) first.own.position = user_position;
        for (const feed of this.#feeds) feed.restart();
      }
      /** @param {Message} question */
      #subscribe({ id, channel, epoch, offset, history = 0 }) {
        const error = (code, message) => this.#later({ type: "error", id, code, message });
        if (!NAME.test(channel)) return error("channel_invalid", `${channel} is no name of a channel`);
        const room = this.#feeds.find((one) => one.channels.has(channel) || one.hasRoomFor(channel));
        if (!room && this.#feeds.length === FEEDS_MAX)
          return error("too_many_channels", "these are too many without a WebSocket");
        const feed = room ?? this.#newFeed();
        const position = epoch === void 0 ? void 0 : { epoch, offset };
        feed.channels.set(channel, { id, isAsked: true, position, history, answeredAt: 0 });
        return feed.restart();
      }
      /** @param {Message} question */
      #unsubscribe({ id, channel }) {
        const feed = this.#feeds.find(({ channels }) => channels.delete(channel));
        feed?.restart();
        this.#later({ type: "unsubscribed", id, channel });
      }
      /** @param {unknown} id */
      #ping(id) {
        if (this.#feeds.every(({ isAlive }) => isAlive)) return this.#later({ type: "pong", id });
        this.#pings.push(id);
        for (const feed of this.#feeds) feed.restart(0);
      }
      /**
       * @param {string} type
       * @param {Message} message
       */
      async #ask(type, { id, ...message }) {
        const answered = { publish: "published" }[type] ?? type;
        try {
          const answer = await fetch(`${this.#url}/client/${type}`, {
            method: "POST",
            headers: { ...this.#headers(), "content-type": "application/json" },
            body: JSON.stringify(message)
          });
          const body = await answer.json();
          this.#say(answer.ok ? { type: answered, id, ...body } : { type: "error", ...body.error, id });
        } catch (error) {
          this.#say({ type: "error", id, code: "connection_lost", message: String(error) });
        }
      }
      /**
       * @param {Message} message
       * @param {Feed} from
       */
      #heard(message, from) {
        const isFirst = from === this.#feeds[0];
        const owner = this.#feeds.find(({ channels }) => channels.has(message.channel));
        for (const id of this.#pings.splice(0)) this.#say({ type: "pong", id });
        if (message.type === "welcome") {
          this.#secret ??= message.resume_session;
          if (!this.#isGreeted) this.#say(message);
          this.#isGreeted = true;
        } else if (message.type === "authenticated") {
          if (isFirst && this.#isAuthAsked) this.#say({ ...message, id: this.#authId });
          if (isFirst) this.#isAuthAsked = false;
        } else if (owner ? owner === from || message.id !== void 0 : isFirst || message.id !== void 0)
          this.#say(message);
      }
      /**
       * @param {number} code
       * @param {string} reason
       * @param {Message} [refusal]
       */
      #end(code, reason, refusal) {
        if (this.#isOver) return;
        if (refusal) this.#say({ type: "error", id: this.#authId, ...refusal });
        this.close();
        this.onclose?.({ code, reason });
      }
      /** @param {Message} message the client takes no answer before it has asked */
      #later(message) {
        setTimeout(() => this.#say(message));
      }
      /** @param {Message} message */
      #say(message) {
        if (!this.#isOver) this.onmessage?.({ data: JSON.stringify(message) });
      }
    };
  }
});

// src/fallback.js
async function fallback(url, WebSocket, use) {
  const options = {
    signal: AbortSignal.timeout(CHECK_MS),
    cache: (
      /** @type {const} */
      "no-store"
    )
  };
  const answer = await fetch(`${httpUrl(url)}/events?mode=poll`, options);
  if (!(await answer.json()).error) throw new Error("not River");
  const open = /* @__PURE__ */ new Set();
  let trying = false;
  const trial = async () => {
    if (trying) return;
    trying = true;
    while (open.size > 0) {
      const waitMs = retries.get(url) ?? RETRY_MS;
      await moment(waitMs * (1 + Math.random()));
      if (open.size > 0 && await holds(url, WebSocket)) {
        retries.set(url, Math.min(2 * waitMs, RETRY_MS_MAX));
        use(WebSocket);
        for (const socket of open) socket.move();
        break;
      }
      retries.set(url, Math.min(2 * waitMs, RETRY_MS_MAX));
    }
    trying = false;
  };
  use(
    class extends HttpSocket {
      /** @param {string} address */
      constructor(address) {
        super(address);
        open.add(this);
        this.ended.then(() => open.delete(this));
        trial();
      }
    }
  );
}
async function holds(url, WebSocket) {
  let socket;
  try {
    const tried = new WebSocket(url);
    socket = tried;
    const closed = new Promise((resolve) => {
      tried.onclose = () => resolve(false);
      tried.onerror = () => {
      };
    });
    const answered = () => new Promise((resolve) => {
      tried.onmessage = ({ data }) => {
        if (String(data).includes('"pong"')) resolve(true);
      };
      tried.send('{"type":"ping","id":1}');
    });
    const opened = new Promise((resolve) => {
      tried.onopen = () => resolve(answered());
    });
    const late = () => moment(TRIAL_OPEN_MS).then(() => false);
    if (!await Promise.race([opened, closed, late()])) return false;
    if (await Promise.race([closed, moment(TRIAL_MS)]) === false) return false;
    return Boolean(await Promise.race([answered(), closed, late()]));
  } catch {
    return false;
  } finally {
    socket?.close();
  }
}
function moment(delayMs) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    timer.unref?.();
  });
}
var CHECK_MS, RETRY_MS, RETRY_MS_MAX, TRIAL_MS, TRIAL_OPEN_MS, retries;
var init_fallback = __esm({
  "src/fallback.js"() {
    "use strict";
    init_http_socket();
    CHECK_MS = 1e4;
    RETRY_MS = 6e4;
    RETRY_MS_MAX = 36e5;
    TRIAL_MS = 12e3;
    TRIAL_OPEN_MS = 1e4;
    retries = /* @__PURE__ */ new Map();
  }
});

// src/later.js
var later_exports = {};
__export(later_exports, {
  advice: () => advice,
  fallback: () => fallback
});
var init_later = __esm({
  "src/later.js"() {
    "use strict";
    init_advice();
    init_fallback();
  }
});

// src/errors.js
var RiverError = class extends Error {
  name = "RiverError";
  /**
   * @param {string} code what went wrong, for programs
   * @param {string} message what went wrong, for people
   * @param {{cause?: unknown}} [options] the error behind this one
   */
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
};

// src/backoff.js
var BASE_MS = 500;
var CAP_MS = 2e4;
function backoff(attempt, random, spreadMs = 0) {
  return outageBackoff(Math.max(BASE_MS * 2 ** attempt, spreadMs), random);
}
function outageBackoff(outageMs, random) {
  return Math.floor(random() * Math.min(CAP_MS, Math.max(BASE_MS, outageMs)));
}

// src/delivery.js
init_channel();

// src/emitter.js
var Emitter = class {
  /** @type {Map<string, Set<Callback>>} */
  #callbacks = /* @__PURE__ */ new Map();
  #report;
  #check;
  /**
   * @param {(error: unknown) => void} report is given what a callback threw; the others still run
   * @param {(name: string) => void} [check] is given each name that a callback is added for
   */
  constructor(report2, check) {
    this.#report = report2;
    this.#check = check;
  }
  /**
   * Add a callback; the same one twice counts once.
   *
   * @param {string} name
   * @param {Callback} callback
   */
  on(name, callback) {
    if (typeof callback !== "function") throw new TypeError(`"${name}" has no callback`);
    this.#check?.(name);
    const callbacks = this.#callbacks.get(name) ?? /* @__PURE__ */ new Set();
    this.#callbacks.set(name, callbacks.add(callback));
  }
  /**
   * Remove one callback, or all of a name.
   *
   * @param {string} name
   * @param {Callback} [callback]
   */
  off(name, callback) {
    const callbacks = this.#callbacks.get(name);
    if (callback) callbacks?.delete(callback);
    else callbacks?.clear();
  }
  /** Remove all. */
  clear() {
    for (const callbacks of this.#callbacks.values()) callbacks.clear();
  }
  /**
   * @param {string} name
   * @param {...unknown} args
   */
  emit(name, ...args) {
    const callbacks = this.#callbacks.get(name);
    for (const callback of new Set(callbacks)) {
      if (!callbacks?.has(callback)) continue;
      try {
        callback(...args);
      } catch (error) {
        this.#report(error);
      }
    }
  }
};

// src/inbox.js
var SLICE_MS = 25;
var Inbox = class {
  /** @type {T[]} */
  #items = [];
  #head = 0;
  #spentMs = 0;
  #busy = false;
  #held = false;
  #handle;
  #platform;
  /**
   * @param {(item: T) => void} handle what it throws is reported; the next items are handled all the same
   * @param {Pick<import("./platform.js").Platform, "steadyMs" | "defer" | "report">} platform
   */
  constructor(handle, platform) {
    this.#handle = handle;
    this.#platform = platform;
  }
  /** How many items wait. */
  get size() {
    return this.#items.length - this.#head;
  }
  /** @param {T} item */
  push(item) {
    this.#items.push(item);
    if (!this.#busy) this.#slice();
  }
  /** Let what comes wait until `release`. */
  hold() {
    this.#held = true;
  }
  /** Handle what waits, and go on. */
  release() {
    this.#held = false;
    if (!this.#busy) this.#slice();
  }
  /** Forget what waits. */
  clear() {
    this.#items = [];
    this.#head = 0;
  }
  #slice() {
    this.#busy = true;
    const { steadyMs } = this.#platform;
    const start = steadyMs() - this.#spentMs;
    while (this.size > 0 && !this.#held && this.#spentMs < SLICE_MS) {
      try {
        this.#handle(
          /** @type {T} */
          this.#items[this.#head++]
        );
      } catch (error) {
        this.#platform.report(error);
      }
      this.#spentMs = steadyMs() - start;
    }
    if (this.size === 0) this.clear();
    if (this.#spentMs < SLICE_MS) this.#busy = false;
    else this.#later();
  }
  #later() {
    try {
      this.#platform.defer(this.#resume);
    } catch {
      this.#resume();
    }
  }
  #resume = () => {
    this.#spentMs = 0;
    this.#slice();
  };
};

// src/limits.js
var OPEN_MS = 1e4;
var QUIET_MS = 3e4;
var PONG_MS = 1e4;
var WAKE_PONG_MS = 5e3;
var RECENT_MS = 3e3;
var STABLE_MS = 2e3;
var PULSE_MS = 5e3;
var ASLEEP_MS = 1e4;
var ASK_AGAIN = 5;
var TOKEN_MS = 1e4;
var SNAPSHOT_MS = 3e4;
var RELOAD_MS = 5e3;
var WINDOW_RELOAD_MS = 1e3;
var ANSWER_MS = 1e4;
var READS_MAX = 100;
var MESSAGE_BYTES_MAX = 65536;
var INBOX_MAX = 1e5;
var HELD_MAX = 1e4;

// src/platform.js
var TIMER_MS_MAX = 2 ** 31 - 1;
var SLEEP_MS = 1e3;
function thisPlatform() {
  return {
    steadyMs: () => performance.now(),
    wallMs: Date.now,
    random: Math.random,
    setTimer: (task, delayMs) => setTimeout(task, Math.min(Math.max(delayMs, 0), TIMER_MS_MAX)),
    clearTimer: (timer) => clearTimeout(timer),
    defer,
    report,
    warn: (text) => console.warn(`River: ${text}`),
    watch
  };
}
function isInteractive() {
  const { document, importScripts, navigator } = (
    /** @type {any} */
    globalThis
  );
  return document || importScripts || navigator?.product === "ReactNative";
}
function sleeplessClock({ steadyMs, wallMs }) {
  const ahead = () => wallMs() - steadyMs();
  let before = ahead();
  let sleptMs = 0;
  return () => {
    const now = ahead();
    if (now - before > SLEEP_MS) sleptMs += now - before;
    before = now;
    return steadyMs() + sleptMs;
  };
}
async function within(limitMs, value, platform) {
  let timer;
  const limit = new Promise((_, reject) => {
    const late = () => reject(new Error(`no answer in ${limitMs / 1e3} s`));
    timer = platform.setTimer(late, limitMs);
  });
  return Promise.race([value, limit]).finally(() => platform.clearTimer(timer));
}
function defer(task) {
  if (!globalThis.MessageChannel) return setTimeout(task, 0);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    task();
  };
  return port2.postMessage(null);
}
function report(error) {
  try {
    (globalThis.reportError ?? console.error)(error);
  } catch {
  }
}
function watch(notify) {
  const end = new AbortController();
  const { document } = globalThis;
  const awake = () => document.hidden || notify("awake");
  for (
    const name of
    /** @type {const} */
    ["online", "offline"]
  )
    globalThis.addEventListener?.(name, () => notify(name), end);
  document?.addEventListener?.("visibilitychange", awake, end);
  return () => end.abort();
}

// src/presence.js
var Presence = class {
  /** How many users are there. The list of a large channel is not complete, the number is. */
  count = 0;
  /** @type {Map<string, Record<string, unknown> | undefined>} what is known about each user, from `river.info` of the token */
  members = /* @__PURE__ */ new Map();
  #known = false;
  /**
   * Take over a list of the server.
   *
   * @param {import("./protocol.js").MemberList} list
   * @returns {{joined: Member[], left: Member[]}} the difference, when both lists are complete
   */
  replace({ count, members }) {
    const before = this.members;
    const comparable = this.#known && before.size === this.count && members.length === count;
    this.#known = true;
    this.count = count;
    this.members = new Map(members.map(({ user, info }) => [user, info]));
    const gone = [...before.keys()].filter((user) => comparable && !this.members.has(user));
    return {
      joined: members.filter(({ user }) => comparable && !before.has(user)),
      left: gone.map((user) => ({ user }))
    };
  }
  /**
   * @param {Member} member
   * @returns {boolean} whether this is news
   */
  join({ user, info }) {
    const news = !this.members.has(user);
    this.members.set(user, info);
    if (news) this.count += 1;
    return news;
  }
  /**
   * @param {string} user
   * @returns {boolean} whether this is news
   */
  leave(user) {
    const listed = this.members.delete(user);
    const news = listed || this.count > this.members.size;
    if (news) this.count -= 1;
    return news;
  }
};

// src/delivery.js
var MEMBERS_FROM = 3;
var Delivery = class {
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
    this.#held = new Inbox((event) => this.#deliver(event), platform);
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
    const spreadMs = reason === "window" ? WINDOW_RELOAD_MS : RELOAD_MS;
    const reloadAfterMs = reload_after_ms ?? retry_after_ms ?? outageBackoff(spreadMs, this.#platform.random);
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
    await null;
    for (let failures = 0; this.#needed && !this.#ended; ) {
      const waitMs = this.#loadAt - this.#platform.steadyMs();
      if (waitMs > 0) {
        await new Promise(
          (resolve) => this.#platform.setTimer(
            /** @type {() => void} */
            resolve,
            waitMs
          )
        );
        continue;
      }
      const reason = this.#needed;
      this.#needed = null;
      if (await this.#loadOnce(reason)) failures = 0;
      else if (!this.#needed)
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
    const position = (
      /** @type {Position} */
      this.subscription.position
    );
    try {
      const loaded = (
        /** @type {Snapshot} */
        this.#snapshot({ reason, ...position })
      );
      const covered = (
        /** @type {Position | undefined} */
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
};

// src/route.js
var BLOCKED = 6;
var REFUSED = 3;
var CUT = 2;
var SOON_MS = 6e4;
var Route = class {
  #url;
  #own;
  #next;
  #failed = 0;
  /**
   * @param {string} url
   * @param {SocketClass} Socket which some browsers are not allowed to have: without it none can be made
   */
  constructor(url, Socket) {
    this.#url = url;
    this.#own = this.#next = Socket;
  }
  /** @returns {import("./connection.js").Socket} */
  newSocket() {
    return new this.#next(this.#url);
  }
  /**
   * A socket was lost, and nobody had closed it.
   *
   * @param {number | undefined} code of its end: River's own begin at 4000, any other may be of what
   *   stands in between; none if it did not answer
   * @param {number} livedMs how long it had worked; 0 if it had not
   */
  lost(code = 0, livedMs) {
    const weight = livedMs ? CUT : REFUSED;
    if (livedMs > SOON_MS || this.#own?.isShared) this.#failed = 0;
    else if (code < 4e3) this.#failed += code && this.#own ? weight : BLOCKED;
    if (this.#failed < BLOCKED) return;
    this.#failed = BLOCKED - CUT;
    const own = this.#own;
    if (this.#next !== own) this.#next = own;
    else
      Promise.resolve().then(() => (init_later(), later_exports)).then(({ fallback: fallback2 }) => fallback2(this.#url, own, (Socket) => this.#next = Socket)).catch(() => {
      });
  }
};

// src/endpoint.js
var ADDRESS = /^(?:(wss?|https?):\/\/)?((?:\[[\da-f:.]+\]|[^\s:/?#@]+)(?::\d+)?)(\/[^\s?#]*)?$/i;
var ORIGIN = /^https?:\/\/[^/]+(.*(?=\/client\/river[^/]*\.js))?/;
function endpoint(host, moduleUrl, page) {
  const given2 = host ?? moduleUrl?.match(ORIGIN)?.[0] ?? "";
  const address = given2[0] === "/" && page ? page.host + given2 : given2;
  const [, scheme, server, path = ""] = address.match(ADDRESS) ?? [];
  if (!server) throw new RiverError("host_invalid", `"${given2}" is no address`);
  const isSecure = /wss|https/i.test(scheme ?? page?.protocol ?? "");
  return `ws${isSecure ? "s" : ""}://${server}${path.replace(/(\/ws)?\/*$/, "/ws")}`;
}
function addressed(options, moduleUrl) {
  const { host, url, token, jwt, queue, WebSocket, ...unknown } = options;
  const source = token ?? jwt;
  if (("token" in options || "jwt" in options) && !(source && /^[sf]/.test(typeof source)))
    throw new RiverError("token_missing", "token is no text or function");
  const address = endpoint(host ?? url, moduleUrl, globalThis.location);
  return {
    url: address,
    token: source,
    route: new Route(address, WebSocket ?? globalThis.WebSocket),
    unknown
  };
}

// src/hub.js
init_protocol();

// src/requests.js
init_protocol();
var Requests = class {
  /** How long a message may be. */
  bytesMax = MESSAGE_BYTES_MAX;
  #lastId = 0;
  /** @type {Map<number | undefined, Request>} */
  #pending = /* @__PURE__ */ new Map();
  #now;
  /** @param {() => number} now */
  constructor(now) {
    this.#now = now;
  }
  /** An id that no message had before. */
  nextId() {
    return ++this.#lastId;
  }
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
  ask(message, connection, waitingMax = 0) {
    return new Promise((resolve, reject) => {
      const request = { message: { ...message, id: this.nextId() }, resolve, reject };
      if (connection) this.#send(request, connection);
      else if (this.#of(void 0).length < waitingMax) this.#enter(request);
      else reject(new RiverError("queue_full", `${waitingMax} wait`));
    });
  }
  /**
   * Send what has waited.
   *
   * @param {Connection} connection
   */
  flush(connection) {
    for (const request of this.#of(void 0)) this.#send(request, connection);
  }
  /**
   * Whether an answer is awaited there.
   *
   * @param {Connection} connection
   */
  isAwaited(connection) {
    return this.#of(connection).length > 0;
  }
  /**
   * @param {number | undefined} id
   * @param {ServerMessage | Error} answer
   */
  settle(id, answer) {
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    if (answer instanceof Error) request?.reject(answer);
    else request?.resolve(answer);
  }
  /**
   * Give up what should be answered by now.
   *
   * @param {number} now
   */
  expire(now) {
    const late = this.#all().filter(({ dueAt = Infinity }) => now >= dueAt);
    this.#fail(late, "timeout", "timeout");
  }
  /**
   * Give up what was sent over a connection.
   *
   * @param {Connection} connection
   */
  lost(connection) {
    this.#fail(this.#of(connection), "connection_lost", "the connection was lost");
  }
  /**
   * Give up what waits to be sent.
   *
   * @param {string} words
   */
  discard(words) {
    this.#fail(this.#of(void 0), "disconnected", words);
  }
  #all() {
    return [...this.#pending.values()];
  }
  /** @param {Connection | undefined} sought */
  #of(sought) {
    return this.#all().filter(({ connection }) => connection === sought);
  }
  /** @param {Request} request */
  #enter(request) {
    this.#pending.set(request.message.id, request);
  }
  /**
   * @param {Request[]} requests
   * @param {string} code
   * @param {string} words
   */
  #fail(requests, code, words) {
    for (const { message } of requests)
      this.settle(message.id, new RiverError(code, `no answer to ${message.type}: ${words}`));
  }
  /**
   * @param {Request} request
   * @param {Connection} connection
   */
  #send(request, connection) {
    const { message } = request;
    this.#enter({ ...request, connection, dueAt: this.#now() + ANSWER_MS });
    try {
      const text = encode(message);
      const bytes = text.length * 3 > this.bytesMax ? new Blob([text]).size : 0;
      if (bytes > this.bytesMax)
        throw new RiverError("too_large", `${bytes} bytes, the server takes ${this.bytesMax}`);
      connection.send(message, text);
    } catch (error) {
      this.settle(
        message.id,
        /** @type {Error} */
        error
      );
    }
  }
};

// src/subscription.js
var PASSING2 = /unauthenticated|unavailable|internal|too_fast/;
var Subscription = class {
  /** @type {Position | null} where the next connection resumes */
  position;
  /** @type {On | null} where events are expected from */
  #liveOn = null;
  /** @type {number | string | null} the id of the question that is open */
  #askedAs = null;
  /** @type {On | null} */
  #askedOn = null;
  #retryAt = 0;
  #refusals = 0;
  /** Whether the question that is open carries a position. */
  #resuming = false;
  /** Whether events of the past are asked for, and none of them has come yet. */
  #replaying = false;
  /** Events up to this offset were seen. */
  #seen = 0;
  #history;
  #random;
  /**
   * @param {string} channel
   * @param {{history?: number, since?: Position | null, random: () => number}} options
   */
  constructor(channel, { history = 0, since = null, random }) {
    this.channel = channel;
    this.position = since;
    this.#seen = since?.offset ?? 0;
    this.#history = history;
    this.#random = random;
  }
  /** Whether events of the channel are expected. */
  get live() {
    return this.#liveOn !== null;
  }
  /** Whether a question to the server is open. */
  get pending() {
    return this.#askedAs !== null;
  }
  /**
   * Whether this is the connection that events are expected from.
   *
   * @param {On} on
   */
  isLiveOn(on) {
    return this.#liveOn === on;
  }
  /**
   * Whether the server is to be asked.
   *
   * @param {number} now
   */
  isDue(now) {
    return !this.live && !this.pending && now >= this.#retryAt;
  }
  /**
   * The question to the server.
   *
   * @param {number | string} id
   * @param {On} on
   * @returns {import("./protocol.js").ClientMessage & Partial<Position>}
   */
  ask(id, on) {
    this.#askedAs = id;
    this.#askedOn = on;
    this.#resuming = this.position !== null && !this.#replaying;
    const past = this.#history > 0 && { history: this.#history };
    const from = this.#resuming ? this.position : past;
    return { type: "subscribe", id, channel: this.channel, ...from };
  }
  /**
   * The server's answer: from now on events are expected from where the question was asked.
   *
   * @param {Omit<import("./protocol.js").Subscribed, "type" | "channel">} message
   * @returns {Break | "resumed" | null} what the application has to know; null when the answer is not
   *   for the question that is open
   */
  subscribed(message) {
    const { id, epoch, offset, recovered, reason } = message;
    if (id !== this.#askedAs) return null;
    this.#liveOn = this.#askedOn;
    this.#askedAs = this.#askedOn = null;
    this.#refusals = 0;
    const before = this.position;
    if (this.#resuming && recovered) return "resumed";
    this.restart(message);
    if (this.#resuming) return (
      /** @type {Break} */
      reason ?? "unknown"
    );
    this.#replaying = this.#history > 0;
    if (this.#replaying) this.#seen = offset - this.#history;
    const complete = !before || before.epoch === epoch && before.offset >= this.#seen;
    return complete ? "start" : "window";
  }
  /**
   * The first message after the answer has arrived.
   *
   * @param {boolean} past whether it is an event of the channel: the first of the past that was asked for
   */
  settle(past) {
    if (this.#replaying && !past) this.#seen = this.position?.offset ?? 0;
    this.#replaying = false;
  }
  /**
   * The server refused.
   *
   * @param {Pick<import("./protocol.js").Refusal, "id" | "code">} message
   * @param {number} now
   * @returns {boolean} false when this is no answer to the question that is open
   */
  refused({ id, code }, now) {
    if (id !== this.#askedAs) return false;
    this.#liveOn = this.#askedAs = this.#askedOn = null;
    const waitMs = PASSING2.test(code) ? backoff(this.#refusals++, this.#random) : Infinity;
    this.#retryAt = now + waitMs;
    return true;
  }
  /** The refusal may not hold any more. */
  retry() {
    this.#retryAt = 0;
  }
  /**
   * Whether an event was not seen yet. One that no log keeps has no offset, and comes once.
   *
   * @param {{offset?: number}} event
   */
  accepts({ offset }) {
    return offset === void 0 || offset > this.#seen;
  }
  /**
   * The application has seen everything up to here; call after its callbacks were.
   *
   * @param {{epoch?: string, offset?: number}} position an epoch that is not the channel's is ignored
   */
  saw({ epoch, offset }) {
    if (!this.position || epoch && epoch !== this.position.epoch) return;
    if (offset === void 0 || offset <= this.#seen) return;
    this.position = { epoch: this.position.epoch, offset };
    this.#seen = offset;
  }
  /**
   * A connection is gone.
   *
   * @param {On} on
   */
  lost(on) {
    if (this.#liveOn === on) this.#liveOn = null;
    if (this.#askedOn === on) this.#askedAs = this.#askedOn = null;
    this.#retryAt = 0;
  }
  /**
   * Begin here: what came before cannot be had.
   *
   * @param {Position} position
   */
  restart({ epoch, offset }) {
    this.position = { epoch, offset };
    this.#seen = offset;
    this.#replaying = false;
  }
};

// src/status.js
var GARBAGE = { code: 4e3, reason: "what answers there is not River" };
var OVERFLOW = { code: 4001, reason: "the page could not keep up" };
function isFinal(code, renewable) {
  return code === 4400 || code === 4403 || code === TOKEN_REFUSED && !renewable;
}
var TOKEN_REFUSED = 4401;
function describeClose(code, reason, connected) {
  if (code !== 1006) return reason || `closed by the server (${code})`;
  return connected ? reason || "the connection was lost" : "the server cannot be reached";
}

// src/token.js
async function askToken(source, platform) {
  try {
    if (typeof source === "string") return checked(source);
    return checked(await within(TOKEN_MS, given(source), platform));
  } catch (cause) {
    const words = `no token: ${cause?.message ?? cause}`;
    throw new RiverError("token_failed", words, { cause });
  }
}
async function given(source) {
  const value = (
    /** @type {Response} */
    await source()
  );
  if (!value?.text) return value;
  if (!value.ok) throw new Error(`${value.url} answered ${value["status"]}`);
  return value.text();
}
function bare(given2) {
  let value = given2;
  try {
    value = JSON.parse(given2);
  } catch {
  }
  return value?.token ?? given2;
}
function checked(given2) {
  const token = bare(given2);
  if (typeof token !== "string") throw new TypeError(`it is ${typeof token}`);
  const text = token.trim();
  if (/^[\w.~+/=-]+$/.test(text)) return text;
  const what = text ? "not the bare text" : "empty";
  throw new TypeError(`it is ${text[0] === "<" ? "an HTML page" : what}`);
}
function renewInMs(remainingMs) {
  if (remainingMs === null) return Infinity;
  if (remainingMs <= 0) return 6e4;
  return Math.max(Math.min(remainingMs * 0.8, remainingMs - 1e4), remainingMs / 2);
}

// src/link.js
var NEVER = Infinity;
var Link = class _Link {
  /** @type {Status} */
  status = { state: "closed", reason: "" };
  #options;
  /** @type {string | null} */
  #token = null;
  /** The number of the last question to the token function; older answers come too late. */
  #ask = 0;
  #renewAt = NEVER;
  /** Whether this attempt has the token of an earlier one. */
  #isKept = false;
  /** When the outage began: the longer it lasts, the further clients spread their attempts. */
  #lostAt = 0;
  #connectedAt = 0;
  /** How long the connection that ended had worked; 0 if it had not. */
  livedMs = 0;
  /** When an attempt, a wait or the answer to a ping is over. */
  #dueAt = NEVER;
  /** When the server last showed that it is there. A network that came or went makes that worthless. */
  #receivedAt = 0;
  /** Earliest time of the next attempt, as the server asked for it. */
  #notBefore = 0;
  #moveAt = NEVER;
  #tickedAt = 0;
  #offline = false;
  /** Whether the token that was refused will be taken later. */
  #cured = false;
  /** @type {Error | undefined} what the server said last, the reason if it closes now */
  #error;
  /**
   * @param {{renewable: boolean, guest?: boolean, random: () => number}} options renewable: another token
   *   can be had; guest: there is none
   */
  constructor(options) {
    this.#options = options;
  }
  /**
   * The link to another server, while this one still serves. It begins with the same token, and its
   * back-off starts anew: that a server stops is no outage.
   */
  successor() {
    const next = new _Link(this.#options);
    next.#token = this.#token;
    next.#renewAt = this.#renewAt;
    return next;
  }
  get state() {
    return this.status.state;
  }
  get isConnected() {
    return this.state === "connected";
  }
  /** When `tick` is needed. */
  get nextAt() {
    if (!this.isConnected) return this.#dueAt;
    const aliveUntil = this.#dueAt === NEVER ? this.#receivedAt + QUIET_MS : this.#dueAt;
    return Math.min(aliveUntil, this.#renewAt, this.#moveAt);
  }
  /**
   * Start, unless it has been started.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  connect(now) {
    if (this.state !== "closed") return [];
    this.#lostAt = now;
    return this.#begin(now);
  }
  /**
   * End, until `connect` is called again.
   *
   * @param {string} reason
   * @param {number} [code]
   * @returns {Effect[]}
   */
  stop(reason, code) {
    return this.state === "closed" ? [] : [this.#drop(), this.#enter("closed", reason, { code })];
  }
  /**
   * The application gave a token.
   *
   * @param {number} ask the number of the question
   * @param {string} token
   * @param {number} now
   * @returns {Effect[]}
   */
  gotToken(ask, token, now) {
    if (ask !== this.#ask) return [];
    this.#token = token;
    return [this.isConnected ? this.#auth() : this.#open(now)];
  }
  /**
   * The application gave no token.
   *
   * @param {number} ask the number of the question
   * @param {Error} error
   * @param {number} now
   * @returns {Effect[]}
   */
  noToken(ask, error, now) {
    if (ask !== this.#ask) return [];
    if (!this.isConnected) {
      this.#error = error;
      this.#renewAt = now;
      return this.#options.renewable ? this.#wait(now, error.message) : this.stop(error.message);
    }
    this.#renewAt = now + backoff(ASK_AGAIN, this.#options.random);
    return [];
  }
  /**
   * The socket is open.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  opened(now) {
    this.#dueAt = now + OPEN_MS;
    return this.#options.guest ? [] : [this.#auth()];
  }
  /**
   * The server is there: for a guest that is all.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  welcomed(now) {
    return this.#options.guest ? this.authenticated(null, now) : [];
  }
  /**
   * The server took the token.
   *
   * @param {number | null} remainingMs how long the token is good for
   * @param {number} now
   * @returns {Effect[]}
   */
  authenticated(remainingMs, now) {
    this.#error = void 0;
    if (this.#options.renewable) this.#renewAt = now + renewInMs(remainingMs);
    if (this.isConnected) return [];
    this.#dueAt = NEVER;
    this.#connectedAt = now;
    return [this.#enter("connected", "connected")];
  }
  /**
   * The server, or the WebSocket class, refused something that is not the answer to a request.
   *
   * @param {Error} error
   * @param {number} [now]
   * @param {number} [retryAfterMs] the same token is taken after this time
   */
  refused(error, now = 0, retryAfterMs = 0) {
    this.#error = error;
    if (retryAfterMs) this.#notBefore = now + retryAfterMs;
    this.#cured = retryAfterMs > 0;
  }
  /**
   * Something arrived.
   *
   * @param {number} now
   */
  received(now) {
    this.#receivedAt = now;
    if (this.isConnected) this.#dueAt = NEVER;
  }
  /**
   * The server is about to stop and asks to come back later, elsewhere.
   *
   * This connection goes on until the other one works. The wait gets jitter on top, in case that others
   * were asked the same.
   *
   * @param {number} now
   * @param {number} [retryAfterMs]
   * @returns {Effect[]} none yet
   */
  bye(now, retryAfterMs = 0) {
    this.#notBefore = this.#moveAt = now + retryAfterMs + backoff(0, this.#options.random);
    return [];
  }
  /**
   * The socket is closed, or could not be opened.
   *
   * @param {{code: number, reason?: string}} close
   * @param {number} now
   * @returns {Effect[]}
   */
  lost({ code, reason: said }, now) {
    const reason = describeClose(code, said || this.#error?.message, this.isConnected);
    const { renewable } = this.#options;
    const cured = this.#cured;
    this.#cured = false;
    if (!cured && isFinal(code, renewable)) return this.stop(reason, code);
    if (renewable && (cured || code === TOKEN_REFUSED)) this.#token = null;
    return this.#wait(now, reason, code);
  }
  /**
   * The device found a network.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  online(now) {
    this.#offline = false;
    this.#receivedAt = -NEVER;
    return this.awake(now);
  }
  /**
   * The device says that it lost its network. It may be wrong: the connection is asked.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  offline(now) {
    this.#offline = true;
    this.#receivedAt = -NEVER;
    if (this.state !== "waiting") return this.#probe(now);
    return [this.#enter("waiting", "", { retryInMs: this.#dueAt - now })];
  }
  /**
   * The machine woke up, or somebody looks at the page again: try now, or make sure that it works.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  awake(now) {
    this.#tickedAt = now;
    if (this.state !== "waiting") return this.#probe(now);
    this.#dueAt = Math.max(now, this.#notBefore);
    return this.tick(now);
  }
  /**
   * Do what is due.
   *
   * @param {number} now
   * @returns {Effect[]}
   */
  tick(now) {
    const { state } = this;
    const slept = now - this.#tickedAt > ASLEEP_MS;
    this.#tickedAt = now;
    if (slept && this.isConnected && this.#dueAt === NEVER) return this.awake(now);
    if (now >= this.#dueAt) {
      if (state === "waiting") return this.#begin(now);
      return this.#wait(now, "the server does not answer");
    }
    return this.isConnected ? this.#upkeep(now) : [];
  }
  /**
   * @param {number} now
   * @returns {Effect[]}
   */
  #upkeep(now) {
    const effects = now >= this.#moveAt ? [{ do: "move" }] : [];
    if (effects[0]) this.#moveAt = NEVER;
    if (now >= this.#renewAt) effects.push(this.#askToken());
    const quiet = this.#dueAt === NEVER && now >= this.#receivedAt + QUIET_MS;
    if (quiet) effects.push(this.#ping(now, PONG_MS));
    return effects;
  }
  /**
   * @param {number} now
   * @returns {Effect[]}
   */
  #probe(now) {
    const recent = now - this.#receivedAt < RECENT_MS;
    return !this.isConnected || recent ? [] : [this.#ping(now, WAKE_PONG_MS)];
  }
  /**
   * @param {number} now
   * @param {number} limitMs
   * @returns {Effect}
   */
  #ping(now, limitMs) {
    this.#dueAt = now + limitMs;
    return { do: "send", message: { type: "ping" } };
  }
  /** @returns {Effect} */
  #auth() {
    return { do: "send", message: { type: "auth", id: "auth", token: this.#token } };
  }
  /**
   * @param {number} now
   * @returns {Effect[]}
   */
  #begin(now) {
    this.#tickedAt = now;
    this.#dueAt = NEVER;
    this.#error = void 0;
    this.#isKept = this.#token !== null && now < this.#renewAt;
    const effect = this.#options.guest || this.#isKept ? this.#open(now) : this.#askToken();
    return [effect, this.#enter("connecting", "connecting")];
  }
  /** @returns {Effect} */
  #askToken() {
    this.#renewAt = NEVER;
    return { do: "ask", ask: ++this.#ask };
  }
  /**
   * @param {number} now
   * @returns {Effect}
   */
  #open(now) {
    this.#dueAt = now + OPEN_MS;
    return { do: "open" };
  }
  /**
   * @param {number} now
   * @param {string} reason
   * @param {number} [code]
   * @returns {Effect[]}
   */
  #wait(now, reason, code) {
    const livedMs = this.isConnected ? now - this.#connectedAt : -1;
    if (livedMs >= Math.max(STABLE_MS, this.#connectedAt - this.#lostAt)) this.#lostAt = now;
    this.livedMs = livedMs + 1;
    const closing = this.#drop();
    const isOver = this.#isKept && !this.#token;
    const waitMs = isOver ? 0 : outageBackoff(now - this.#lostAt, this.#options.random);
    this.#dueAt = Math.max(now + waitMs, this.#notBefore);
    return [closing, this.#enter("waiting", reason, { retryInMs: this.#dueAt - now, code })];
  }
  /**
   * Forget what belonged to the connection that is over.
   *
   * @returns {Effect}
   */
  #drop() {
    this.#ask++;
    this.#moveAt = this.#dueAt = NEVER;
    return { do: "close" };
  }
  /**
   * @param {import("./status.js").State} state
   * @param {string} words
   * @param {{retryInMs?: number, code?: number}} [more]
   * @returns {Effect}
   */
  #enter(state, words, more) {
    const reason = this.#offline && state === "waiting" ? "the device is offline" : words;
    this.status = { state, reason, ...more, error: this.#error };
    return { do: "status", status: this.status };
  }
};

// src/connection.js
init_protocol();
var Connection = class {
  /** Whether the socket is open and the token was sent. */
  isOpen = false;
  /** @type {boolean | undefined} whether channels were asked for elsewhere, which its server has still */
  moved;
  /** @type {import("./subscription.js").Subscription | null} the channel whose past may come next */
  replaying = null;
  /** @type {import("./protocol.js").Welcome | undefined} what the server said first */
  welcome;
  link;
  #where;
  #platform;
  #transport;
  #hub;
  #inbox;
  /** @type {Socket | undefined} */
  #socket;
  /** @type {unknown} */
  #timer;
  #armedFor = NEVER;
  /** @type {(() => void) | undefined} */
  #unwatch;
  /**
   * @param {import("./link.js").Link} link
   * @param {import("./transport.js").Transport} transport
   * @param {import("./hub.js").Hub} hub
   */
  constructor(link, transport, hub) {
    this.link = link;
    this.#transport = transport;
    this.#hub = hub;
    this.#where = /** @type {Where} */
    hub.where;
    this.#platform = hub.platform;
    this.#inbox = new Inbox(
      (arrival) => this.#handle(arrival),
      hub.platform
    );
  }
  /** @returns {import("./status.js").Status} */
  get status() {
    return this.link.status;
  }
  /** How its socket reaches the server. */
  get transport() {
    return this.#socket?.transport;
  }
  /** Start; without effect when it has been started. */
  open() {
    this.#unwatch ??= this.#platform.watch(
      (signal) => this.#do(this.link[signal](this.#platform.now()))
    );
    this.#do(this.link.connect(this.#platform.now()));
  }
  /** End, until `open` is called again. */
  close() {
    this.#do(this.link.stop("closed by the application"));
  }
  /**
   * Send a message on the open socket; call only between `opened` and `lost`.
   *
   * @param {ClientMessage} message
   * @param {string} [text] the same, encoded
   */
  send(message, text = encode(message)) {
    const { token: _, resume_session: __, ...shown } = message;
    this.#hub.trace?.("river sent", shown);
    this.#socket?.send(text);
  }
  /** @param {ClientMessage} message */
  #sendOwn(message) {
    if (message.type !== "auth") return this.send(message);
    const own = this.isOpen ? null : this.#hub.userPosition(this);
    return this.send({ ...message, resume_session: this.#hub.secret, ...own });
  }
  /** @param {import("./link.js").Effect[]} effects */
  #do(effects) {
    for (const effect of effects) this.#carryOut(effect);
    this.#arm();
  }
  /** @param {import("./link.js").Effect} effect */
  #carryOut(effect) {
    if (effect.do === "ask") this.#askToken(effect.ask);
    else if (effect.do === "open") this.#openSocket();
    else if (effect.do === "send") this.#sendOwn(effect.message);
    else if (effect.do === "close") this.#closeSocket();
    else if (effect.do === "move") this.#transport.move(this);
    else this.#report(effect.status);
  }
  /** @param {import("./status.js").Status} status */
  #report(status) {
    if (status.state === "closed") {
      this.#unwatch?.();
      this.#unwatch = void 0;
    }
    this.#transport.changed(status, this);
  }
  /** @param {number} ask */
  #askToken(ask) {
    askToken(
      /** @type {any} */
      this.#where.token,
      this.#platform
    ).then(
      (token) => this.#do(this.link.gotToken(ask, token, this.#platform.now())),
      (error) => this.#do(this.link.noToken(ask, error, this.#platform.now()))
    );
  }
  #openSocket() {
    const socket = this.#newSocket();
    this.#socket = socket;
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#arrived({ socket, data });
    socket.onclose = (close) => this.#arrived({ socket, close });
    socket.onerror = () => {
    };
  }
  /** @returns {Socket} */
  #newSocket() {
    try {
      return this.#where.route.newSocket();
    } catch (error) {
      this.link.refused(
        /** @type {Error} */
        error
      );
      const none = { send() {
      }, close() {
      } };
      this.#platform.defer(() => none.onclose({ code: 1006 }));
      return none;
    }
  }
  #closeSocket() {
    const socket = this.#socket;
    const { state, code } = this.status;
    if (socket && state === "waiting") this.#where.route.lost(code, this.link.livedMs);
    this.#socket = void 0;
    this.isOpen = false;
    socket?.close();
    this.#hub.lost(this);
  }
  /** @param {Socket} socket */
  #opened(socket) {
    if (socket !== this.#socket) return;
    this.#do(this.link.opened(this.#platform.now()));
    this.isOpen = true;
    this.#hub.opened(this);
  }
  /** @param {Arrival} arrival */
  #arrived(arrival) {
    const { socket } = arrival;
    if (socket !== this.#socket) return;
    this.link.received(this.#platform.now());
    this.#inbox.push(arrival);
    if (this.#inbox.size <= INBOX_MAX) return;
    socket.onmessage = socket.onclose = () => {
    };
    socket.close();
    this.#inbox.push({ socket, close: OVERFLOW });
  }
  /** @param {Arrival} arrival */
  #handle({ socket, data, close }) {
    if (socket !== this.#socket) return;
    if (close) return this.#do(this.link.lost(close, this.#platform.now()));
    const message = decode(data);
    if (!message) return this.#do(this.link.lost(GARBAGE, this.#platform.now()));
    this.#transport.arrived(message, this);
    if (socket === this.#socket) this.#route(message);
  }
  /** @param {ServerMessage} message */
  #route(message) {
    const now = this.#platform.now();
    if (message.type === "welcome") this.#do(this.link.welcomed(now));
    else if (message.type === "bye") this.#do(this.link.bye(now, message.retry_after_ms));
    else if (message.type === "authenticated") {
      const { expires_at } = message;
      const remainingMs = expires_at && expires_at * 1e3 - this.#platform.wallMs();
      this.#do(this.link.authenticated(remainingMs, now));
    }
  }
  /** Have `#tick` called in time. */
  #arm() {
    const now = this.#platform.now();
    const closed = this.status.state === "closed";
    const at = closed ? NEVER : Math.min(this.link.nextAt, now + PULSE_MS);
    if (!closed && this.#armedFor <= at) return;
    this.#platform.clearTimer(this.#timer);
    this.#armedFor = at;
    if (!closed) this.#timer = this.#platform.setTimer(() => this.#tick(), at - now);
  }
  #tick() {
    this.#armedFor = NEVER;
    const now = this.#platform.now();
    this.#do(this.link.tick(now));
    this.#transport.tick(now);
  }
};

// src/transport.js
var Transport = class {
  #hub;
  #current;
  /** @type {Connection | null} */
  #next = null;
  /** @param {Hub} hub knows where the server is */
  constructor(hub) {
    this.#hub = hub;
    const token = hub.where?.token;
    const renewable = typeof token === "function";
    const { random } = hub.platform;
    this.#current = this.#connection(new Link({ renewable, guest: !token, random }));
  }
  get status() {
    return this.#current.status;
  }
  /** Where a question is answered. */
  get current() {
    return this.#next?.link.isConnected ? this.#next : this.#current;
  }
  /** Those that take messages; the last one is where a channel is subscribed. */
  get open() {
    const all = [this.#current, this.#next];
    return (
      /** @type {Connection[]} */
      all.filter((connection) => connection?.isOpen)
    );
  }
  /** Start; without effect when it has been started. */
  connect() {
    this.#current.open();
  }
  /** End, until `connect` is called again. */
  disconnect() {
    this.#drop();
    this.#current.close();
  }
  /** @param {Link} link */
  #connection(link) {
    return new Connection(link, this, this.#hub);
  }
  /**
   * A message arrived.
   *
   * @param {ServerMessage} message
   * @param {Connection} connection
   */
  arrived(message, connection) {
    this.#hub.arrived(message, connection);
    this.#finish();
  }
  /**
   * Called every few seconds, unless closed.
   *
   * @param {number} now
   */
  tick(now) {
    this.#hub.tick(now);
    this.#finish();
  }
  /**
   * A connection has another status.
   *
   * @param {Status} status
   * @param {Connection} connection
   */
  changed(status, connection) {
    const next = this.#next;
    if (connection === next) {
      if (status.state === "closed") this.#next = null;
      return this.#finish();
    }
    if (connection !== this.#current) return;
    if (next && next.status.state !== "waiting" && status.state === "waiting")
      return this.#switch(next);
    this.#drop();
    this.#hub.changed(status);
  }
  /**
   * The server is about to stop: another connection is needed.
   *
   * @param {Connection} from which was asked to go
   */
  move(from) {
    from.moved = true;
    this.#drop();
    this.#next = this.#connection(from.link.successor());
    this.#next.open();
  }
  #finish() {
    const next = this.#next;
    if (next?.link.isConnected && this.#hub.isFree(this.#current)) this.#switch(next);
  }
  /** @param {Connection} next */
  #switch(next) {
    const old = this.#current;
    this.#current = next;
    this.#next = null;
    const moved = old.link.isConnected && next.link.isConnected;
    old.close();
    if (!moved) this.#hub.changed(next.status);
  }
  #drop() {
    const next = this.#next;
    this.#next = null;
    next?.close();
  }
};

// src/warnings.js
var FAULTS = [4e3, 4413, 4429];
var Warnings = class {
  #print;
  /** @type {Set<string>} */
  #said = /* @__PURE__ */ new Set();
  #connected = false;
  /** @param {(text: string) => void} print */
  constructor(print) {
    this.#print = print;
  }
  /** @param {string} [text] */
  warn(text) {
    if (!text || this.#said.has(text)) return;
    this.#said.add(text);
    this.#print(text);
  }
  /**
   * Warn in the words of `advice.js`; where those cannot be loaded, in bare facts.
   *
   * @param {Topic} topic
   * @param {...unknown} facts what the advice is about
   */
  about(topic, ...facts) {
    Promise.resolve().then(() => (init_later(), later_exports)).then(
      ({ advice: advice2 }) => this.warn(advice2(topic, facts)),
      () => this.warn(`${topic}: ${facts}`)
    );
  }
  /**
   * Warn of names that nobody knows.
   *
   * @param {string} what
   * @param {object} unknown what is called by them
   */
  unknown(what, unknown) {
    for (const name in unknown) this.about("unknown", name, what);
  }
  /**
   * Warn of options that only the first `subscribe` to a channel can give.
   *
   * @param {string} channel
   * @param {Record<string, any>} options
   * @param {Record<string, any>} first
   */
  ignored(channel, options, first) {
    for (const name in options)
      if (options[name] && !first[name]) this.about("ignored", channel, name);
  }
  /**
   * @param {import("./status.js").Status} status
   * @param {string | undefined} url
   */
  status({ state, reason, code = 0, error }, url) {
    if (state === "connected") this.#connected = true;
    else if (FAULTS.includes(code) || state === "closed" && (code || reason === error?.message) || state === "waiting" && !this.#connected)
      this.about(state, reason, code, url, error);
  }
};

// src/hub.js
var Hub = class {
  /** @type {string | null} the user that the server took the token for; null before */
  user = null;
  /**
   * Who this page is to publishers: the session of its first connection, which later ones continue as long
   * as servers know it again.
   *
   * @type {string | null}
   */
  session = null;
  /** @type {string | undefined} what proves to a server whose session this is */
  secret;
  /** @type {Transport | null} null until there is a reason to connect */
  transport = null;
  /** @type {((line: string, what: unknown) => void) | null} prints what is sent and received */
  trace = null;
  /** The channel of the page's user. @type {Delivery} */
  own;
  /** @type {import("./connection.js").Where | undefined} the server, once there was a reason to connect */
  where;
  emitter;
  warnings;
  platform;
  #river;
  #options;
  #requests;
  /** @type {Map<string, Delivery>} */
  #deliveries = /* @__PURE__ */ new Map();
  /**
   * @param {import("./river.js").River} river
   * @param {import("./river.js").Options} options
   * @param {import("./platform.js").Platform} platform
   */
  constructor(river, options, platform) {
    this.#river = river;
    this.#options = options;
    this.platform = { ...platform, now: sleeplessClock(platform) };
    this.warnings = new Warnings(platform.warn);
    this.emitter = new Emitter(platform.report, (name) => {
      if (name !== "state") this.warnings.about("unknown", name, "event");
    });
    this.#requests = new Requests(this.platform.now);
    this.own = this.#enter(OWN, {});
    this.own.users = Infinity;
  }
  get state() {
    return this.transport?.status.state ?? "closed";
  }
  /** @throws {RiverError} `host_invalid` or `token_missing` */
  connect() {
    if (!this.transport) {
      this.where = addressed(this.#options, void 0);
      this.warnings.unknown("option", this.where.unknown);
      this.transport = new Transport(this);
    }
    this.transport.connect();
  }
  /**
   * Count one user more of a channel, and ask the server for it.
   *
   * @param {string} name
   * @param {SubscribeOptions} options
   */
  subscribe(name, options) {
    const { onGap, ...once } = options;
    const { history, since, snapshot, ...unknown } = once;
    this.warnings.unknown("option of subscribe", unknown);
    const delivery = this.#deliveries.get(name) ?? this.#enter(name, options);
    this.warnings.ignored(name, once, delivery.options);
    delivery.users += 1;
    if (onGap) delivery.system.on("river:gap", onGap);
    delivery.subscription.retry();
    this.#ask(delivery);
    return delivery.channel;
  }
  /** @param {string} name */
  unsubscribe(name) {
    const delivery = this.#deliveries.get(name);
    if (!delivery || --delivery.users > 0) return;
    delivery.end();
    this.#deliveries.delete(name);
    this.#leave(name);
  }
  /**
   * @param {import("./protocol.js").ClientMessage} message
   * @param {number} queueMax how many such may wait for a connection
   * @returns {Promise<any>} what the answer says
   */
  async request(message, queueMax) {
    const { state } = this;
    const connection = state === "connected" ? this.transport?.current : void 0;
    if (!connection && (state === "closed" || !queueMax)) {
      const words = `${message.type} needs a connection: ${this.#river.reason}`;
      throw new RiverError("not_connected", words);
    }
    const answer = await this.#requests.ask(message, connection, queueMax);
    const { type, id, channel, ...said } = answer;
    return said;
  }
  /**
   * The token was sent: what is sent now follows it in the same round trip.
   *
   * @param {Connection} connection
   */
  opened(connection) {
    for (const { subscription } of this.#deliveries.values())
      if (subscription.channel !== OWN)
        connection.send(subscription.ask(this.#requests.nextId(), connection));
    if (this.transport?.current === connection) this.#requests.flush(connection);
  }
  /**
   * A message arrived.
   *
   * @param {ServerMessage} message
   * @param {Connection} connection
   */
  arrived(message, connection) {
    this.trace?.("river received", message);
    this.#settle(message, connection);
    if (message.type === "subscribed") this.#subscribed(message, connection);
    else if (message.type === "error") this.#refused(message, connection);
    else if (message.type === "authenticated") this.#authenticated(message, connection);
    else if (message.type === "welcome") this.#welcomed(message, connection);
    else if (message.type === "unsubscribed") this.#unsubscribed(message, connection);
    else if ("id" in message) this.#requests.settle(
      /** @type {number} */
      message.id,
      message
    );
    else {
      const pushed = (
        /** @type {Pushed} */
        message
      );
      this.#deliveries.get(pushed.channel)?.receive(pushed, connection);
    }
  }
  /**
   * The connection in use has another status.
   *
   * @param {Status} status
   */
  changed(status) {
    this.trace?.("river state", status);
    this.warnings.status(status, this.where?.url);
    if (status.state === "closed") this.#requests.discard(status.reason);
    if (status.state === "connected")
      this.#requests.flush(
        /** @type {Connection} */
        this.transport?.current
      );
    this.emitter.emit("state", status);
  }
  /**
   * Nothing will be answered on it any more.
   *
   * @param {Connection} connection
   */
  lost(connection) {
    connection.replaying = null;
    for (const delivery of this.#deliveries.values()) delivery.lost(connection);
    this.#requests.lost(connection);
  }
  /**
   * Whether nothing is awaited on it any more.
   *
   * @param {Connection} connection
   */
  isFree(connection) {
    const isPending = [...this.#deliveries.values()].some(
      ({ subscription: { pending, channel } }) => pending && channel !== OWN
    );
    return !isPending && !this.#requests.isAwaited(connection);
  }
  /**
   * Called every few seconds, unless closed.
   *
   * @param {number} now
   */
  tick(now) {
    this.#requests.expire(now);
    this.#askAll();
  }
  /**
   * Where the page stands in its user's channel; asked once for each connection.
   *
   * @param {Connection} connection
   * @returns {{user_position: import("./protocol.js").Position} | null} null at the start
   */
  userPosition(connection) {
    const { subscription } = this.own;
    subscription.ask(OWN, connection);
    return subscription.position && { user_position: subscription.position };
  }
  /**
   * @param {string} name
   * @param {SubscribeOptions} options
   */
  #enter(name, options) {
    const { random } = this.platform;
    const subscription = new Subscription(name, { ...options, random });
    const delivery = new Delivery(subscription, this.platform, {
      river: this.#river,
      warnings: this.warnings,
      options
    });
    this.#deliveries.set(name, delivery);
    return delivery;
  }
  /** @param {string} channel */
  #leave(channel) {
    for (const connection of this.transport?.open ?? [])
      connection.send({ type: "unsubscribe", id: this.#requests.nextId(), channel });
  }
  /** @param {Delivery} delivery */
  #ask({ subscription }) {
    const connection = this.transport?.open.at(-1);
    if (connection && subscription.channel !== OWN && subscription.isDue(this.platform.now())) {
      if (connection.moved) this.#leave(subscription.channel);
      connection.send(subscription.ask(this.#requests.nextId(), connection));
    }
  }
  #askAll() {
    for (const delivery of this.#deliveries.values()) this.#ask(delivery);
  }
  /**
   * What a channel replays comes right after its `subscribed`: anything else ends it.
   *
   * @param {ServerMessage} message
   * @param {Connection} connection
   */
  #settle(message, connection) {
    const subscription = connection.replaying;
    connection.replaying = null;
    const isKept = message.type === "event" && message.offset !== void 0;
    subscription?.settle(isKept && message.channel === subscription.channel);
  }
  /**
   * @param {import("./protocol.js").Subscribed} message
   * @param {Connection} connection
   */
  #subscribed(message, connection) {
    const delivery = this.#deliveries.get(message.channel);
    if (!delivery) return;
    delivery.subscribed({ ...message, id: message.id ?? OWN });
    connection.replaying = delivery.subscription;
  }
  /**
   * The server ended a subscription. Another token may bring it back; who was removed stays out.
   *
   * @param {import("./protocol.js").Unsubscribed} message
   * @param {Connection} connection
   */
  #unsubscribed({ channel, reason }, connection) {
    const delivery = this.#deliveries.get(channel);
    if (!reason || !delivery?.subscription.isLiveOn(connection)) return;
    const error = new RiverError(reason, "closed by the server");
    const isOver = reason !== "grant";
    if (isOver) this.#deliveries.delete(channel);
    delivery.refused({ id: null, code: reason }, error, 0);
    if (isOver) delivery.end();
  }
  /**
   * @param {import("./protocol.js").Refusal} message
   * @param {Connection} connection
   */
  #refused(message, { link }) {
    const now = this.platform.now();
    const error = new RiverError(message.code, message.message);
    if ((message.id ?? "auth") === "auth") link.refused(error, now, message.retry_after_ms);
    this.#requests.settle(
      /** @type {number} */
      message.id,
      error
    );
    for (const [name, delivery] of this.#deliveries)
      if (delivery.refused(message, error, now))
        this.warnings.about("refused", name, message.code, message.message, this.where?.token);
  }
  /**
   * @param {import("./protocol.js").Authenticated} message
   * @param {Connection} connection
   */
  #authenticated(message, connection) {
    this.user = message.user;
    const { welcome } = connection;
    if (welcome && message.session && message.session !== this.session) this.#adopt(welcome);
    if (message.user_position) this.own.subscribed({ ...message.user_position, id: OWN });
    for (const { subscription } of this.#deliveries.values()) subscription.retry();
    this.#askAll();
  }
  /**
   * @param {import("./protocol.js").Welcome} message
   * @param {Connection} connection
   */
  #welcomed(message, connection) {
    this.#requests.bytesMax = message.max_message_bytes ?? MESSAGE_BYTES_MAX;
    connection.welcome = message;
    if (!this.session) this.#adopt(message);
  }
  /** @param {import("./protocol.js").Welcome} welcome */
  #adopt({ session, resume_session }) {
    this.session = session;
    this.secret = resume_session;
  }
};

// src/river.js
var IDLE = "outside of browsers call river.connect()";
var River = class {
  #hub;
  #queueMax;
  /**
   * Begin to connect.
   *
   * On a server (Node, Deno, Bun) it begins with `connect()`, so that a module that is imported there for
   * rendering opens nothing; or at once when a `WebSocket` class is given.
   *
   * @param {Options} [options]
   * @param {import("./platform.js").Platform} [platform] for tests and unusual runtimes
   * @throws {RiverError} `host_invalid` or `token_missing`
   */
  constructor(options = {}, platform = thisPlatform()) {
    this.#hub = new Hub(this, options, platform);
    this.#queueMax = options.queue ?? 0;
    if (options.WebSocket || isInteractive()) this.connect();
  }
  /**
   * The user that the server took the token for; null before.
   *
   * @returns {string | null}
   */
  get user() {
    return this.#hub.user;
  }
  /**
   * `connecting`, `connected`, `waiting` (for the next attempt) or `closed`.
   *
   * @returns {import("./status.js").State}
   */
  get state() {
    return this.#hub.state;
  }
  /**
   * What the back end publishes to this page's user, on whatever page: a channel without a subscription.
   *
   * @returns {Channel<any>}
   */
  get me() {
    return this.#hub.own.channel;
  }
  /** This page's session, for `exclude`; null before a connection. It survives reconnecting. */
  get session() {
    return this.#hub.session;
  }
  /**
   * How the server is reached: `websocket`, or where those do not come through `stream` or `poll`.
   *
   * @returns {TransportName}
   */
  get transport() {
    return this.#hub.transport?.current.transport ?? "websocket";
  }
  /** Why the client is in this state, in plain words. */
  get reason() {
    return this.#hub.transport?.status.reason ?? IDLE;
  }
  /**
   * Connect: on a server, after `disconnect`, or when the server had ended the connection. Channels go on
   * where they were.
   *
   * @throws {RiverError} `host_invalid` or `token_missing`
   */
  connect() {
    this.#hub.connect();
  }
  /** Close the connection and stay closed until `connect`. Channels keep their positions. */
  disconnect() {
    this.#hub.transport?.disconnect();
  }
  /**
   * Subscribe to a channel, whether there is a connection or not.
   *
   * It counts its users: each `subscribe` is ended by one `unsubscribe`.
   *
   * @template [E=Record<string, unknown>]
   * @param {string} name
   * @param {SubscribeOptions} [options]
   * @returns {Channel<E>} for the same name the same object, with the options of
   *   the first call, until it is unsubscribed
   * @throws {RiverError} `channel_invalid` when the name is no text
   */
  subscribe(name, options = {}) {
    if (typeof name !== "string" || !name)
      throw new RiverError("channel_invalid", `"${name}" is no channel's name`);
    if (!this.#hub.transport) this.#hub.warnings.warn(IDLE);
    return this.#hub.subscribe(name, options);
  }
  /**
   * End one `subscribe`. After the last one the channel is left, and no callback is called any more.
   *
   * @param {string} name
   */
  unsubscribe(name) {
    this.#hub.unsubscribe(name);
  }
  /**
   * Publish an event in a channel, if the token grants it.
   *
   * @param {string} channel
   * @param {string} event
   * @param {unknown} data anything that JSON can say
   * @param {PublishOptions} [options]
   * @returns {Promise<Receipt>} where it stands in the channel. Rejected with the server's code;
   *   `not_connected` (or, with the option `queue`, `queue_full`) when it was not sent;
   *   `too_large` when it is longer than the server takes; `connection_lost` or `timeout` when nobody knows whether it was published
   */
  async publish(channel, event, data, options = {}) {
    const { keep, exclude, ...unknown } = options;
    this.#hub.warnings.unknown("option of publish", unknown);
    const message = { type: "publish", channel, event, data: data ?? null, keep, exclude };
    return this.#hub.request(message, this.#queueMax);
  }
  /**
   * Ask for what was published in a channel, subscribed or not.
   *
   * @param {string} channel
   * @param {{limit?: number, after?: Position}} [options] `limit`: at most so many; `after`: those that
   *   follow this position; without it the last ones
   * @returns {Promise<Position & {publications: Publication[]}>} oldest first;
   *   rejected with `unrecoverable` when the log does not reach back to `after`. Without a connection it
   *   waits for one
   */
  async history(channel, { limit, after } = {}) {
    const message = { type: "history", channel, limit, ...after };
    return this.#hub.request(message, READS_MAX);
  }
  /**
   * Call back when something happens to the connection.
   *
   * @template {keyof ClientEvents} K
   * @param {K} name
   * @param {(detail: ClientEvents[K]) => void} callback
   * @returns {this}
   */
  on(name, callback) {
    this.#hub.emitter.on(name, callback);
    return this;
  }
  /**
   * End what `on` began, for one callback or for all of the name.
   *
   * @template {keyof ClientEvents} K
   * @param {K} name
   * @param {(detail: ClientEvents[K]) => void} [callback]
   * @returns {this}
   */
  off(name, callback) {
    this.#hub.emitter.off(name, callback);
    return this;
  }
  /**
   * Print what is sent and received, and each change of state, with tokens left out.
   *
   * @param {((line: string, what: unknown) => void) | false} [print] false ends it
   */
  debug(print = console.log) {
    this.#hub.trace = print || null;
  }
};
export {
  River,
  RiverError
};
