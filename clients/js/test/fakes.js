/** A platform whose time the test moves, and sockets whose other end the test is. */

import assert from "node:assert/strict";
/** @typedef {{at: number, task: () => void}} Timer */

/** Time stands still until the test moves it. */
export class FakePlatform {
  now = 1_000;
  wall = 1_700_000_000_000;
  /** What `random` gives. */
  luck = 0.5;
  /** @type {unknown[]} */
  reported = [];
  /** @type {string[]} */
  warned = [];
  /** @type {(() => void)[]} */
  deferred = [];
  /** @type {Set<Timer>} */
  timers = new Set();
  /** @type {((signal: import("../src/platform.js").Signal) => void) | null} */
  signal = null;

  steadyMs = () => this.now;
  wallMs = () => this.wall;
  random = () => this.luck;
  /**
   * @param {() => void} task
   * @param {number} delayMs
   */
  setTimer = (task, delayMs) => {
    const timer = { at: this.now + delayMs, task };
    this.timers.add(timer);
    return timer;
  };
  /** @param {Timer} timer */
  clearTimer = (timer) => this.timers.delete(timer);
  /** @param {() => void} task */
  defer = (task) => this.deferred.push(task);
  /** @param {unknown} error */
  report = (error) => this.reported.push(error);
  /** @param {string} text */
  warn = (text) => this.warned.push(text);
  /** @param {(signal: import("../src/platform.js").Signal) => void} notify */
  watch = (notify) => {
    this.signal = notify;
    return () => {
      this.signal = null;
    };
  };

  /**
   * Let time pass, and run each timer when it is due.
   *
   * @param {number} ms
   */
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      await settled();
      const [next] = [...this.timers].sort((a, b) => a.at - b.at);
      if (!next || next.at > end) break;
      this.timers.delete(next);
      this.#move(Math.max(next.at, this.now));
      next.task();
    }
    this.#move(end);
    await settled();
  }

  /**
   * The machine sleeps: the wall clock goes on, timers and the steady clock do not.
   *
   * @param {number} ms
   */
  sleep(ms) {
    this.wall += ms;
  }

  /** Run what was put off to a later turn. */
  turn() {
    for (const task of this.deferred.splice(0)) task();
  }

  /** @param {number} now */
  #move(now) {
    this.wall += now - this.now;
    this.now = now;
  }
}

/** Let promises run. */
export async function settled() {
  for (let round = 0; round < 20; round++) await null;
}

/** The client's end of a connection; the test speaks for the server. */
export class FakeSocket {
  /** @type {any[]} */
  sent = [];
  closed = false;
  /** @type {(() => void) | undefined} */
  onopen;
  /** @type {((event: {data: unknown}) => void) | undefined} */
  onmessage;
  /** @type {((event: {code: number, reason?: string}) => void) | undefined} */
  onclose;
  /** @type {(() => void) | undefined} */
  onerror;

  /** @param {string} url */
  constructor(url) {
    this.url = url;
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }

  /** The connection is there. */
  open() {
    this.onopen?.();
  }

  /** @param {...unknown} messages */
  says(...messages) {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
  }

  /**
   * @param {number} code
   * @param {string} [reason]
   */
  ends(code, reason = "") {
    this.onclose?.({ code, reason });
  }

  /**
   * The last message of a type.
   *
   * @param {string} type
   */
  last(type) {
    return this.sent.findLast((message) => message.type === type);
  }
}

/** A WebSocket class that remembers what was made of it. */
export function fakeSockets() {
  /** @type {FakeSocket[]} */
  const made = [];
  class Socket extends FakeSocket {
    /** @param {string} url */
    constructor(url) {
      super(url);
      made.push(this);
    }
  }
  return { made, Socket };
}

/**
 * @param {unknown} answer
 * @returns {any}
 */
export function unexpected(answer) {
  assert.fail(`it succeeded: ${JSON.stringify(answer)}`);
}
