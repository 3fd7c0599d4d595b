/** The connection in the states of pusher-js. */

import { Dispatcher } from "./dispatcher.js";

/** @typedef {"initialized" | "connecting" | "connected" | "unavailable" | "disconnected"} PusherState */

/**
 * Says what becomes of the connection: `state_change` with `previous` and `current`, the state itself,
 * `connecting_in`, `error`, and `message` for each event.
 */
export class PusherConnection extends Dispatcher {
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
    if (state === "connected") this.#connected(session ?? undefined);
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
    if (state === "waiting" && retryInMs) this.emit("connecting_in", Math.round(retryInMs / 1000));
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
}

/**
 * @param {number | null} code
 * @param {string} message
 */
export function failure(code, message) {
  return { type: "PusherError", data: { code, message } };
}
