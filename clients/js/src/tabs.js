/** One connection for all tabs of a user: a WebSocket class for `new River({ WebSocket })`. */

import { Switchboard } from "./switchboard.js";

const LOST = 1006;
const DRAINING = 4503;

/**
 * @typedef {{hub?: string, to?: string[], from?: string, does: string, text?: string, code?: number,
 *   reason?: string}} Note what tabs write each other
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
    // While the lock is held this client is alive: nobody else could tell of a tab that crashed.
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
  #read({ hub, to, does, text, code = LOST, reason = "" }) {
    if (does === "hub") {
      if (!this.#hub) this.#write({ does: "open" });
      else if (hub !== this.#hub) this.#end(LOST, "");
    }
    if (!to?.includes(this.#id)) return;
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

/** Holds the connection for all tabs, in the tab that was elected. */
class Hub {
  /** The election is for as long as the page lives. */
  forGood = new Promise(() => {});

  #id = crypto.randomUUID();
  #url;
  #name;
  #post;
  /** @type {Set<string>} */
  #tabs = new Set();
  /** @type {WebSocket | undefined} */
  #socket;
  #board = this.#newBoard();
  #draining = false;

  /**
   * @param {string} url
   * @param {string} name
   */
  constructor(url, name) {
    this.#url = url;
    this.#name = name;
    this.#post = new BroadcastChannel(name);
    this.#post.onmessage = ({ data }) => this.#read(data);
    this.#post.postMessage({ hub: this.#id, does: "hub" });
  }

  /** @param {Note} note */
  #read({ from = "", does, text = "" }) {
    if (does === "open") this.#open(from);
    else if (!this.#tabs.has(from)) return;
    else if (does === "send") this.#board.said(from, JSON.parse(text));
    else if (does === "close") this.#gone(from);
  }

  /** @param {string} tab */
  #open(tab) {
    if (this.#tabs.has(tab)) return;
    // Who comes again after a goodbye wants another server, and takes the others along.
    if (this.#draining) this.#lost(DRAINING, "moving to another server");
    this.#tabs.add(tab);
    this.#board.join(tab);
    navigator.locks.request(`${this.#name} ${tab}`, () => this.#gone(tab));
    if (!this.#socket) this.#connect();
    else if (this.#socket.readyState === WebSocket.OPEN) this.#write([tab], { does: "open" });
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#write([...this.#tabs], { does: "open" });
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#heard(data);
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.#socket) this.#lost(code, reason);
    };
  }

  /** @param {unknown} data */
  #heard(data) {
    try {
      const message = JSON.parse(/** @type {string} */ (data));
      this.#draining ||= message.type === "bye";
      this.#board.heard(message);
    } catch {
      // The clients know what to say of it.
      this.#write([...this.#tabs], { does: "message", text: String(data) });
    }
  }

  /** @param {string} tab */
  #gone(tab) {
    if (!this.#tabs.delete(tab)) return;
    this.#board.leave(tab);
    if (this.#tabs.size === 0) this.#lost(LOST, "");
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #lost(code, reason) {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#draining = false;
    socket?.close();
    this.#write([...this.#tabs], { does: "close", code, reason });
    this.#tabs.clear();
    this.#board = this.#newBoard();
  }

  #newBoard() {
    return new Switchboard({
      server: (message) => this.#socket?.send(JSON.stringify(message)),
      tabs: (tabs, message) =>
        this.#write(tabs, { does: "message", text: JSON.stringify(message) }),
    });
  }

  /**
   * @param {string[]} to
   * @param {Note} note
   */
  #write(to, note) {
    if (to.length > 0) this.#post.postMessage({ ...note, to, hub: this.#id });
  }
}
