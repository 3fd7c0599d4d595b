/** All that was added on the server for River. */

import { setTimeout as delay } from "node:timers/promises";
import { River } from "river-realtime/server";

const CHANNEL = "tasks";
/** A page does not wait longer for River than this. */
const PATIENCE_MS = 500;

/** Tells the browsers what changed. */
export class Live {
  #river;
  #last = Promise.resolve();

  /** @param {{host: string, url: string, key: string, secret?: string}} settings */
  constructor({ host, ...settings }) {
    /** Where browsers find River. */
    this.host = host;
    this.#river = new River(settings);
  }

  /**
   * Publish what a task is now; no data means that it is gone.
   *
   * One after another, so that they arrive in the order of the changes. Nobody waits for it: the list
   * has changed, whether River knows or not.
   *
   * @param {string} id
   * @param {import("./tasks.js").Task} [task]
   */
  changed(id, task) {
    this.#last = this.#last
      .then(() => this.#river.publish(CHANNEL, task ? "saved" : "removed", task ?? { id }))
      .catch((error) => console.error(`not published: ${error.message}`));
  }

  /** Where the channel stands; undefined when River does not say. */
  position() {
    const asked = this.#river.channel(CHANNEL).catch(() => undefined);
    return Promise.race([asked, delay(PATIENCE_MS, undefined, { ref: false })]);
  }

  /** @param {string} user */
  token(user) {
    return this.#river.token({ user, subscribe: [CHANNEL, `presence-${CHANNEL}`] });
  }
}
