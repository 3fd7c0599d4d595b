import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { sharedSocket } from "../src/tabs.js";
import { FakeSocket, settled } from "./fakes.js";

/** Of the browser, as far as tabs use it: here all of them are in one page. */
const browser = /** @type {any} */ (globalThis);

/** Locks that are held until their task is done, in the order in which they were asked for. */
class Locks {
  /** @type {Map<string, Promise<unknown>>} */
  #last = new Map();

  /**
   * @param {string} name
   * @param {() => unknown} task
   */
  request(name, task) {
    const done = (this.#last.get(name) ?? Promise.resolve()).then(task);
    this.#last.set(name, done);
    return done;
  }
}

/** What one posts all others read, a little later. */
class Board {
  /** @type {Set<Board>} */
  static all = new Set();
  /** @type {(event: {data: unknown}) => void} */
  onmessage = () => {};

  constructor() {
    Board.all.add(this);
  }

  /** @param {unknown} data */
  postMessage(data) {
    for (const other of Board.all)
      if (other !== this) queueMicrotask(() => Board.all.has(other) && other.onmessage({ data }));
  }

  close() {
    Board.all.delete(this);
  }
}

describe("tabs on a connection that does not answer", () => {
  const { WebSocket, BroadcastChannel } = browser;
  /** @type {Socket[]} */
  let sockets;
  let pages = 0;

  class Socket extends FakeSocket {
    static OPEN = 1;
    readyState = 0;

    /** @param {string} url */
    constructor(url) {
      super(url);
      sockets.push(this);
    }

    open() {
      this.readyState = Socket.OPEN;
      super.open();
      this.says({ type: "welcome", session: "s", auth_timeout_s: 15 });
    }
  }

  beforeEach(() => {
    sockets = [];
    mock.timers.enable({ apis: ["Date"], now: 1_700_000_000_000 });
    const navigator = { locks: new Locks() };
    Object.defineProperty(browser, "navigator", { value: navigator, configurable: true });
    Object.assign(browser, { BroadcastChannel: Board, WebSocket: Socket });
    pages += 1;
  });
  afterEach(() => {
    Board.all.clear();
    Object.assign(browser, { WebSocket, BroadcastChannel });
    Reflect.deleteProperty(browser, "navigator");
    mock.timers.reset();
  });

  /** Two tabs, the codes with which their sockets ended, and how another one is opened. */
  async function opened() {
    const Shared = sharedSocket(`user ${pages}`);
    /** @type {(number | undefined)[]} */
    const ends = [undefined, undefined];
    const tabs = [0, 1].map((tab) => {
      const socket = new Shared("ws://rt.example.com/ws");
      socket.onclose = (/** @type {{code: number}} */ { code }) => {
        ends[tab] = code;
      };
      return socket;
    });
    await settled();
    const [first, second] = /** @type {[import("../src/connection.js").Socket, any]} */ (tabs);
    return { first, second, ends, another: () => new Shared("ws://rt.example.com/ws") };
  }

  for (const isOpen of [true, false])
    test(`${isOpen ? "when it is dead" : "when it never opens"}, the first to give up ends it for all`, async () => {
      const { first, ends, another } = await opened();
      if (isOpen) sockets[0]?.open();
      await settled();
      first.send('{"type":"ping"}');
      await settled();
      mock.timers.tick(10_000);
      first.close();
      await settled();
      assert.equal(ends[1], 1006);
      assert.equal(sockets[0]?.closed, true);
      another();
      await settled();
      assert.equal(sockets.length, 2);
    });

  test("who leaves one that answers leaves it to the others", async () => {
    const { first, second, ends } = await opened();
    sockets[0]?.open();
    await settled();
    first.send('{"type":"ping"}');
    await settled();
    sockets[0]?.says({ type: "pong", id: sockets[0].last("ping").id });
    mock.timers.tick(10_000);
    first.close();
    await settled();
    assert.equal(ends[1], undefined);
    second.send('{"type":"ping"}');
    await settled();
    assert.equal(sockets[0]?.sent.length, 2);
    assert.equal(sockets.length, 1);
  });
});
