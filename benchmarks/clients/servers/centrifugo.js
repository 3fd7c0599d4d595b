/** Centrifugo, with history and recovery on, as long as River's. */

import { createHmac, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { found, freePort, fromGo, Program } from "../programs.js";

const MODULE = "github.com/centrifugal/centrifugo/v6@latest";
const place = () => found("centrifugo", "centrifugo/centrifugo");

/** What has to be there first; undefined when all is. */
export const missing = () => (place() ? undefined : "there is no Centrifugo");
export const install = () => fromGo("centrifugo", MODULE);

/** One Centrifugo. */
export class CentrifugoServer {
  #program = new Program();
  #key = randomBytes(16).toString("hex");
  port = 0;
  token = "";

  async start() {
    const secret = randomBytes(32).toString("hex");
    this.port = await freePort();
    this.token = signed({ sub: "ada", exp: Math.floor(Date.now() / 1_000) + 3_600 }, secret);
    await this.#program.makeFolder();
    const config = join(this.#program.folder, "config.json");
    await writeFile(config, JSON.stringify(configuration(this.port, secret, this.#key)));
    const health = `http://127.0.0.1:${this.port}/health`;
    await this.#program.start(/** @type {string} */ (place()), ["--config", config], health);
  }

  /** @type {import("../front.js").Route} */
  route = ({ url }) => (url === "/token" ? { type: "text/plain", body: this.token } : undefined);

  /** @param {{number: number}} post */
  async publish(post) {
    const answer = await fetch(`http://127.0.0.1:${this.port}/api/publish`, {
      method: "POST",
      headers: { "x-api-key": this.#key, "content-type": "application/json" },
      body: JSON.stringify({ channel: "private-dogs", data: post }),
    });
    const said = await answer.json();
    if (said.error) throw new Error(`Centrifugo: ${JSON.stringify(said.error)}`);
  }

  remove() {
    return this.#program.remove();
  }
}

/**
 * @param {number} port
 * @param {string} secret
 * @param {string} key
 */
const configuration = (port, secret, key) => ({
  http_server: { address: "127.0.0.1", port },
  client: { allowed_origins: ["*"], token: { hmac_secret_key: secret } },
  http_api: { key },
  health: { enabled: true },
  channel: {
    without_namespace: {
      allow_subscribe_for_client: true,
      history_size: 100,
      history_ttl: "300s",
      force_recovery: true,
    },
  },
});

/**
 * A JSON Web Token.
 *
 * @param {object} claims
 * @param {string} secret
 */
function signed(claims, secret) {
  const parts = [{ alg: "HS256", typ: "JWT" }, claims];
  const text = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}
