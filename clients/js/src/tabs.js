/** One connection for all tabs of a user: a WebSocket class for `new River({ WebSocket })`. */

import { Multiplexer } from "./multiplexer.js";
import { Route } from "./route.js";

const LOST = 1006;
/** Who leaves after so long a silence had waited for an answer. */
const SILENT_MS = 5_000;

/**
 * @typedef {import("./river.js").TransportName} TransportName
 * @typedef {{hub?: string, to?: string[], from?: string, does: string, text?: string, code?: number,
 *   reason?: string, transport?: TransportName}} Note what tabs write each other
 */

/**
 * A WebSocket class whose sockets share one connection with those in other tabs of the same origin.
 *
 * One tab holds the connection. When it is closed another one takes over, and every client resumes where
 * it was. Where the browser has no Web Locks (outside of `https:` and `localhost`, for one), it is the
 * ordinary class.
 *
 * @param {string} user whose tabs they are: clients of different users must not share a connection
 * @returns {import("./connection.js").SocketClass}
 */
export function sharedSocket(user) {
  if (!globalThis.navigator?.locks || !globalThis.BroadcastChannel) return WebSocket;
  return class extends SharedSocket {
    /** @param {string} url */
    constructor(url) {
      super(url, `river ${user} ${url}`);
    }
  };
}

/** @type {Set<string>} what this page stands for election for */
const candidacies = new Set();

/** A client's end: it speaks to the tab that holds the connection. */
class SharedSocket {
  /** The tab that holds the connection finds the way to the server, for all. */
  static isShared = true;
  /** @type {TransportName} how that goes */
  transport = "websocket";
  /** @type {any} */
  onopen = null;
  /** @type {any} */
  onmessage = null;
  /** @type {any} */
  onclose = null;
  /** @type {any} */
  onerror = null;

  #id = crypto.randomUUID();
  /** @type {string | undefined} */
  #hub;
  #post;
  /** @type {() => void} */
  #release = () => {};
  #ended = false;

  /**
   * @param {string} url
   * @param {string} name
   */
  constructor(url, name) {
    this.#post = new BroadcastChannel(name);
    this.#post.onmessage = ({ data }) => this.#read(data);
    // While the lock is held this client is alive: nobody else would notice that a tab crashed.
    navigator.locks.request(`${name} ${this.#id}`, () => {
      this.#write({ does: "open" });
      return new Promise((resolve) => {
        this.#release = () => resolve(undefined);
        if (this.#ended) resolve(undefined);
      });
    });
    if (candidacies.has(name)) return;
    candidacies.add(name);
    navigator.locks.request(`${name} hub`, () => new Hub(url, name).forGood);
  }

  /** @param {string} text */
  send(text) {
    this.#write({ does: "send", text });
  }

  close() {
    if (this.#ended) return;
    this.#write({ does: "close" });
    this.#end(1000, "");
  }

  /** @param {Note} note */
  #write(note) {
    if (!this.#ended) this.#post.postMessage({ ...note, from: this.#id });
  }

  /** @param {Note} note */
  #read({ hub, to, does, text, code = LOST, reason = "", transport }) {
    if (does === "hub") {
      if (!this.#hub) this.#write({ does: "open" });
      else if (hub !== this.#hub) this.#end(LOST, "");
    }
    if (!to?.includes(this.#id)) return;
    this.transport = transport ?? this.transport;
    if (does === "open" && !this.#hub) {
      this.#hub = hub;
      this.onopen?.();
    } else if (does === "message") this.onmessage?.({ data: text });
    else if (does === "close") this.#end(code, reason);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #end(code, reason) {
    if (this.#ended) return;
    this.#ended = true;
    this.#post.close();
    this.#release();
    this.onclose?.({ code, reason });
  }
}

/**
 * Holds the connection for all tabs, in the tab that was elected.
 *
 * While clients move to another server there are two: who comes after a `bye` gets the new one, and the
 * old one ends with its last client.
 */
class Hub {
  /** The election is for as long as the page lives. */
  forGood = new Promise(() => {});

  #id = crypto.randomUUID();
  #route;
  #name;
  #post;
  /** @type {SharedConnection[]} the newest comes last */
  #connections = [];

  /**
   * @param {string} url
   * @param {string} name
   */
  constructor(url, name) {
    this.#route = new Route(url, WebSocket);
    this.#name = name;
    this.#post = new BroadcastChannel(name);
    this.#post.onmessage = ({ data }) => this.#read(data);
    this.#post.postMessage({ hub: this.#id, does: "hub" });
  }

  /** @param {Note} note */
  #read({ from = "", does, text = "" }) {
    const connection = this.#connections.find(({ tabs }) => tabs.has(from));
    if (does === "open" && !connection) this.#open(from);
    else if (does === "send") connection?.fromTab(from, text);
    else if (does === "close") connection?.leave(from);
  }

  /** @param {string} tab */
  #open(tab) {
    const newest = this.#connections.at(-1);
    const connection = newest && !newest.draining ? newest : this.#connect();
    connection.join(tab);
    navigator.locks.request(`${this.#name} ${tab}`, () => connection.leave(tab));
  }

  #connect() {
    /** @type {SharedConnection} */
    const connection = new SharedConnection(this.#route, {
      write: (to, note) => this.#write(to, note),
      ended: () => {
        this.#connections = this.#connections.filter((other) => other !== connection);
      },
    });
    this.#connections.push(connection);
    return connection;
  }

  /**
   * @param {string[]} to
   * @param {Note} note
   */
  #write(to, note) {
    if (to.length > 0) this.#post.postMessage({ ...note, to, hub: this.#id });
  }
}

/** One connection to the server, and the clients that speak over it. */
class SharedConnection {
  /** Whether the server asked its clients to go elsewhere. */
  draining = false;
  /** @type {Set<string>} */
  tabs = new Set();

  #owner;
  #route;
  #socket;
  #multiplexer;
  /** Since when the server owes an answer. */
  #askedAt = Date.now();
  /** When the first message came. */
  #heardAt = 0;

  /**
   * @param {Route} route
   * @param {{write: (to: string[], note: Note) => void, ended: () => void}} owner
   */
  constructor(route, owner) {
    this.#owner = owner;
    this.#route = route;
    /** @type {any} */
    this.#socket = route.newSocket();
    this.#multiplexer = new Multiplexer({
      server: (message) => this.#socket.send(JSON.stringify(message)),
      tabs: (tabs, message) =>
        owner.write(tabs, { does: "message", text: JSON.stringify(message) }),
    });
    this.#socket.onopen = () => this.#opened([...this.tabs]);
    this.#socket.onmessage = (/** @type {MessageEvent} */ { data }) => this.#fromServer(data);
    this.#socket.onclose = (/** @type {CloseEvent} */ { code, reason }) => {
      route.lost(code, this.#livedMs);
      this.#end(code, reason);
    };
  }

  /** @param {string} tab */
  join(tab) {
    this.tabs.add(tab);
    this.#multiplexer.join(tab);
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#opened([tab]);
    this.#multiplexer.greet(tab);
  }

  /** @param {string} tab */
  leave(tab) {
    if (!this.tabs.delete(tab)) return;
    this.#multiplexer.leave(tab);
    const isSilent = Date.now() - this.#askedAt > SILENT_MS;
    // One that is dead ends for all: with one tab waiting on it at any time it would go on for ever.
    if (this.tabs.size > 0 && !isSilent) return;
    if (!this.#heardAt && isSilent) this.#route.lost(undefined, 0);
    this.#end(LOST, "");
  }

  /**
   * @param {string} tab
   * @param {string} text
   */
  fromTab(tab, text) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#askedAt = Math.min(this.#askedAt, Date.now());
    this.#multiplexer.fromTab(tab, JSON.parse(text));
  }

  /** @param {unknown} data */
  #fromServer(data) {
    this.#heardAt ||= Date.now();
    this.#askedAt = Infinity;
    let message;
    try {
      message = JSON.parse(/** @type {string} */ (data));
    } catch {
      // The clients know what to say of it.
      return this.#owner.write([...this.tabs], { does: "message", text: String(data) });
    }
    this.draining ||= message.type === "bye";
    return this.#multiplexer.fromServer(message);
  }

  /** @param {string[]} tabs */
  #opened(tabs) {
    const { transport } = this.#socket;
    this.#owner.write(tabs, { does: "open", transport });
  }

  /** How long it has worked; 0 if it has not. */
  get #livedMs() {
    return this.#heardAt && Date.now() - this.#heardAt + 1;
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #end(code, reason) {
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#owner.ended();
    this.#owner.write([...this.tabs], { does: "close", code, reason });
    this.tabs.clear();
  }
}
