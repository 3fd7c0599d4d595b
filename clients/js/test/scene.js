/** A client on a fake platform, and what happens to it in the tests of `River`. */

import { River } from "../src/river.js";
import { FakePlatform, FakeSocket, fakeSockets, settled } from "./fakes.js";

/** @type {FakePlatform} */
export let platform;
/** @type {FakeSocket[]} */
export let sockets;
/** @type {typeof FakeSocket} */
export let Socket;
/** @type {unknown[]} */
export let heard;

/** Before each test: nothing has happened yet. Those who import these names see the new ones. */
export function begin() {
  platform = new FakePlatform();
  ({ made: sockets, Socket } = fakeSockets());
  heard = [];
}

/** @param {Partial<import("../src/river.js").Options>} [options] */
export const make = (options) =>
  new River({ host: "rt.example.com", token: "T", WebSocket: Socket, ...options }, platform);

/** The socket of the newest attempt, once the client has a token. */
export async function newest() {
  await settled();
  return /** @type {FakeSocket} */ (sockets.at(-1));
}

export const AUTHENTICATED = { type: "authenticated", id: "auth", user: "ada", expires_at: null };

/** A socket that is open, with its user known to the server. */
export async function accepted() {
  const socket = await newest();
  socket.open();
  socket.says({ type: "welcome", session: "s", auth_timeout_s: 15 }, AUTHENTICATED);
  return socket;
}

/**
 * The answer to the last subscribe.
 *
 * @param {FakeSocket} socket
 * @param {number} offset
 * @param {object} [more]
 */
export function answer(socket, offset, more) {
  const { id, channel } = socket.last("subscribe");
  socket.says({ type: "subscribed", id, channel, epoch: "e", offset, recovered: false, ...more });
}

/**
 * @param {number} offset
 * @param {object} [more]
 */
export const event = (offset, more) => ({
  type: "event",
  channel: "dogs",
  event: "post",
  data: offset,
  offset,
  ...more,
});

/** @param {River} river */
export function dogs(river) {
  return river.subscribe("dogs").bind("post", (data) => heard.push(data));
}
