/** Redis, a gateway that can be killed, and a publish API that lives on. */

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { River } from "../../server/river.js";
import { COMMAND, until } from "../server.js";

const REDIS = process.env.REDIS_SERVER ?? "/usr/bin/redis-server";

/** Why there can be no cluster here; false when there can. */
export const noCluster = existsSync(REDIS) ? false : `there is no ${REDIS}`;

/** River as it runs on several machines. */
export class Cluster {
  #folder = "";
  #env = {};
  /** @type {import("node:child_process").ChildProcess[]} */
  #processes = [];
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #gateway;
  url = "";
  /** @type {River} */
  river = /** @type {any} */ (undefined);

  async start() {
    this.#folder = await mkdtemp(join(tmpdir(), "river-cluster-"));
    const [redis, gateway, api] = [await freePort(), await freePort(), await freePort()];
    const [secret, key] = [randomBytes(32).toString("hex"), randomBytes(8).toString("hex")];
    this.#env = {
      RIVER_BROKER: `redis://127.0.0.1:${redis}`,
      RIVER_SECRETS: secret,
      RIVER_API_KEYS: key,
      RIVER_PORT: `${gateway}`,
      RIVER_API_PORT: `${api}`,
      RIVER_HOST: "127.0.0.1",
      RIVER_API_HOST: "127.0.0.1",
      RIVER_HISTORY_SIZE: "1000",
    };
    const options = [
      "--port",
      `${redis}`,
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--dir",
      this.#folder,
    ];
    this.#spawn(REDIS, options);
    this.#spawn(COMMAND, ["api"]);
    this.url = `http://127.0.0.1:${gateway}`;
    this.river = new River({ url: `http://127.0.0.1:${api}`, key, secret });
    await this.startGateway();
    await answers(`http://127.0.0.1:${api}/readyz`);
  }

  async startGateway() {
    this.#gateway = this.#spawn(COMMAND, ["gateway"]);
    await answers(`${this.url}/readyz`);
  }

  async killGateway() {
    const gateway = /** @type {import("node:child_process").ChildProcess} */ (this.#gateway);
    gateway.kill("SIGKILL");
    await until(() => gateway.signalCode, "the gateway to die");
  }

  /**
   * Start another gateway, which lives until the end.
   *
   * @returns {Promise<string>} its address
   */
  async addGateway() {
    const port = await freePort();
    this.#spawn(COMMAND, ["gateway", "--port", `${port}`]);
    await answers(`http://127.0.0.1:${port}/readyz`);
    return `http://127.0.0.1:${port}`;
  }

  /** Stop the first gateway in order: it asks its clients to go. */
  stopGateway() {
    this.#gateway?.kill("SIGTERM");
  }

  async remove() {
    for (const child of this.#processes) child.kill("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }

  /**
   * @param {string} command
   * @param {string[]} options
   */
  #spawn(command, options) {
    const env = { ...process.env, ...this.#env };
    const child = spawn(command, options, { cwd: this.#folder, env, stdio: "ignore" });
    this.#processes.push(child);
    return child;
  }
}

/** @param {string} url */
async function answers(url) {
  const ok = () => fetch(url).then((answer) => answer.ok);
  await until(() => ok().catch(() => false), `${url} to answer`);
}

/** @returns {Promise<number>} a port that nobody listens on just now */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  return port;
}
