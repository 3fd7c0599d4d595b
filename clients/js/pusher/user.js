/** The page's user, in the form of pusher-js. */

import { Dispatcher } from "./dispatcher.js";

/** Events that the back end sends to the user, once `signin` was called. */
export class PusherUser extends Dispatcher {
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
    // As with a server that answers: what is bound after the call is called.
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
}
