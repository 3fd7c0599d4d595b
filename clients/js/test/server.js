/** A River of its own for the tests, and a network that they can cut. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const COMMAND = fileURLToPath(new URL("../../../.venv/bin/river", import.meta.url));
const DEADLINE_MS = 30_000;

/** Why the tests against a real server cannot run here; false when they can. */
export const unavailable = existsSync(COMMAND)
  ? false
  : "there is no River in .venv: run `make setup` in the repository";

/**
 * Wait until something is so.
 *
 * @param {() => unknown} holds may answer later
 * @param {string} what for the message when it does not come to be
 */
export async function until(holds, what) {
  const end = Date.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`in vain waited for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** `river dev` in a folder of its own. */
export class Server {
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #process;
  #folder = "";
  url = "";
  apiUrl = "";
  apiKey = "";
  secret = "";
  #settings;
  #port = "0";
  #apiPort = "0";

  /** @param {Record<string, string>} [settings] other than those that all tests share */
  constructor(settings = {}) {
    this.#settings = settings;
  }

  /** Start, again on the same ports after the first time. */
  async start() {
    this.#folder ||= await mkdtemp(join(tmpdir(), "river-client-"));
    const env = {
      ...process.env,
      RIVER_PORT: this.#port,
      RIVER_API_PORT: this.#apiPort,
      RIVER_HISTORY_SIZE: "20",
      ...this.#settings,
    };
    const child = spawn(COMMAND, ["dev"], { cwd: this.#folder, env });
    this.#process = child;
    let told = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (/** @type {Buffer} */ text) => {
        told += text;
      });
    }
    await until(() => told.includes("Ctrl-C") || child.exitCode !== null, "river dev to be ready");
    if (child.exitCode !== null) throw new Error(`river dev ended:\n${told}`);
    const kept = JSON.parse(await readFile(join(this.#folder, ".river", "dev.json"), "utf8"));
    this.url = kept.url;
    this.apiUrl = kept.api_url;
    this.apiKey = kept.api_key;
    this.secret = kept.secret;
    this.#port = new URL(kept.url).port;
    this.#apiPort = new URL(kept.api_url).port;
    const answers = () =>
      fetch(`${kept.api_url}/readyz`)
        .then(({ ok }) => ok)
        .catch(() => false);
    await until(answers, "the publish API to answer");
  }

  /** @param {NodeJS.Signals} signal */
  async end(signal) {
    const child = this.#process;
    child?.kill(signal);
    await until(() => !child || child.exitCode !== null || child.signalCode, "river dev to end");
  }

  /** End, and leave nothing behind. */
  async remove() {
    await this.end("SIGKILL");
    await rm(this.#folder, { recursive: true, force: true });
  }

  /**
   * Ask the publish API.
   *
   * @param {string} path
   * @param {unknown} [body] makes it a POST
   */
  async api(path, body) {
    const headers = { "x-api-key": this.apiKey, "content-type": "application/json" };
    const post = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(this.apiUrl + path, { headers, ...post });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  /**
   * Publish an event `post`.
   *
   * @param {string} channel
   * @param {...unknown} data one event each
   */
  async publish(channel, ...data) {
    for (const each of data) await this.api("/publish", { channel, event: "post", data: each });
  }

  /**
   * @param {string} user
   * @param {object} [more] grants and lifetime
   * @returns {Promise<string>}
   */
  async token(user, more) {
    return (await this.api("/tokens", { user, ttl_s: 3600, ...more })).token;
  }
}

/** A port before the server's that can be cut. */
export class Network {
  /** @type {Set<import("node:net").Socket>} */
  #sockets = new Set();
  #cut = false;
  #frozen = false;
  #swallow = 0;
  #listener = createServer((client) => this.#joined(client));
  #target;
  /** How many connections came through. */
  connections = 0;

  /** @param {string} url where it leads */
  constructor(url) {
    this.#target = Number(new URL(url).port);
  }

  get host() {
    const address = /** @type {import("node:net").AddressInfo} */ (this.#listener.address());
    return `127.0.0.1:${address.port}`;
  }

  /** @param {string} url where new connections lead from now on */
  lead(url) {
    this.#target = Number(new URL(url).port);
  }

  async start() {
    this.#listener.listen(0, "127.0.0.1");
    await until(() => this.#listener.listening, "the network");
  }

  /** Connections seem to be there, but nothing comes through, also not their end: as after a long sleep. */
  freeze() {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** New connections get through again; those that were frozen stay dead. */
  thaw() {
    this.#frozen = false;
  }

  /** Nothing comes through any more. */
  cut() {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#cut = false;
  }

  /**
   * Cut the connections of the next answers, which get lost: what was asked arrived.
   *
   * @param {number} answers
   */
  swallow(answers) {
    this.#swallow = answers;
  }

  end() {
    this.cut();
    this.#listener.close();
  }

  /** @param {import("node:net").Socket} client */
  #joined(client) {
    if (this.#cut) return client.destroy();
    if (this.#frozen) return client.on("error", () => {}).pause();
    this.connections += 1;
    const server = connect(this.#target, "127.0.0.1");
    // Before the pipe below, which finds the client's end destroyed then.
    server.on("data", () => {
      if (this.#swallow === 0) return;
      this.#swallow -= 1;
      client.destroy();
    });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(/** @type {import("node:net").Socket} */ (from));
      from?.on("error", () => {});
      from?.on("close", () => {
        if (!this.#frozen) to?.destroy();
        this.#sockets.delete(/** @type {import("node:net").Socket} */ (from));
      });
      from?.pipe(/** @type {import("node:net").Socket} */ (to));
    }
    return undefined;
  }
}
