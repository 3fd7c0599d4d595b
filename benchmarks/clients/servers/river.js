/** `river dev` of this repository. */

import { River } from "river-realtime/server";
import { Server, unavailable } from "../../../clients/js/test/server.js";

/** What has to be there first; undefined when all is. */
export const missing = () => unavailable || undefined;

/** A server with the window of its defaults. */
export class RiverServer {
  #server = new Server({ RIVER_HISTORY_SIZE: "100" });
  /** @type {River | undefined} */
  #backEnd;

  async start() {
    await this.#server.start();
    const { apiUrl: url, apiKey: key, secret } = this.#server;
    this.#backEnd = new River({ url, key, secret });
    this.port = Number(new URL(this.#server.url).port);
    this.token = await this.#backEnd.token({ user: "ada", subscribe: ["private-dogs"] });
  }

  /** @type {import("../front.js").Route} */
  route = ({ url }) =>
    url === "/token" ? { type: "text/plain", body: this.token ?? "" } : undefined;

  /** @param {{number: number}} post */
  async publish(post) {
    await this.#backEnd?.publish("private-dogs", "post", post);
  }

  remove() {
    return this.#server.remove();
  }
}
