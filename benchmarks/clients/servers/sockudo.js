/** Sockudo, a server of the Pusher protocol: Pusher's own is a service, not a program. */

import { createHash, createHmac, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { found, freePort, fromCargo, Program } from "../programs.js";

const VERSION = "5.2.0";
const place = () => found("sockudo", "sockudo/bin/sockudo");

/** What has to be there first; undefined when all is. */
export const missing = () => (place() ? undefined : "there is no Sockudo");
export const install = () => fromCargo("sockudo", VERSION);

/** One Sockudo with one app, whose key is `app`. */
export class SockudoServer {
  #program = new Program();
  #secret = randomBytes(16).toString("hex");
  port = 0;

  async start() {
    this.port = await freePort();
    await this.#program.makeFolder();
    const config = join(this.#program.folder, "config.json");
    await writeFile(config, JSON.stringify(configuration(this.port, this.#secret)));
    const up = `http://127.0.0.1:${this.port}/up`;
    await this.#program.start(/** @type {string} */ (place()), ["--config", config], up);
  }

  /** @type {import("../front.js").Route} */
  route = ({ url, body }) => {
    if (url !== "/pusher/auth") return undefined;
    const form = new URLSearchParams(body);
    const signature = this.#signed(`${form.get("socket_id")}:${form.get("channel_name")}`);
    return { type: "application/json", body: JSON.stringify({ auth: `app:${signature}` }) };
  };

  /** @param {{number: number}} post */
  async publish(post) {
    const data = JSON.stringify(post);
    const body = JSON.stringify({ name: "post", channels: ["private-dogs"], data });
    const query = new URLSearchParams({
      auth_key: "app",
      auth_timestamp: `${Math.floor(Date.now() / 1_000)}`,
      auth_version: "1.0",
      body_md5: createHash("md5").update(body).digest("hex"),
    });
    const path = "/apps/app/events";
    const signature = this.#signed(`POST\n${path}\n${query}`);
    const url = `http://127.0.0.1:${this.port}${path}?${query}&auth_signature=${signature}`;
    const headers = { "content-type": "application/json" };
    const answer = await fetch(url, { method: "POST", headers, body });
    if (!answer.ok) throw new Error(`Sockudo: ${answer.status} ${await answer.text()}`);
  }

  remove() {
    return this.#program.remove();
  }

  /** @param {string} text */
  #signed(text) {
    return createHmac("sha256", this.#secret).update(text).digest("hex");
  }
}

/**
 * Its rate limits are off: they allow fewer requests than are made here.
 *
 * @param {number} port
 * @param {string} secret
 */
const configuration = (port, secret) => ({
  host: "127.0.0.1",
  port,
  adapter: { driver: "local" },
  cache: { driver: "memory" },
  queue: { driver: "memory" },
  rate_limiter: { enabled: false },
  metrics: { enabled: false },
  app_manager: {
    driver: "memory",
    array: { apps: [{ id: "app", key: "app", secret, enabled: true, max_connections: 1_000 }] },
  },
});
