/** Servers that run as programs of their own: where they are, how they are built, started and ended. */

import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { until } from "../../clients/js/test/server.js";

const run = promisify(execFile);
/** Shared with the other measurements of this folder, so that a server is built once. */
const BUILD = fileURLToPath(new URL("../peers/build", import.meta.url));
const SAID_MAX = 2_000;

/**
 * Where a program is: what an environment variable of its name says, what was built here, or the path.
 *
 * @param {string} name
 * @param {string} built below the folder for what is built
 * @returns {string | undefined}
 */
export function found(name, built) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const places = [join(BUILD, built), ...folders.map((folder) => join(folder, name))];
  return process.env[name.toUpperCase()] ?? places.find((place) => existsSync(place));
}

/**
 * Build a Go program.
 *
 * @param {string} name
 * @param {string} module
 */
export async function fromGo(name, module) {
  const folder = join(BUILD, name);
  await mkdir(folder, { recursive: true });
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: "0" };
  await run("go", ["install", module], { env });
}

/**
 * Build a Rust program; it takes a quarter of an hour.
 *
 * @param {string} name
 * @param {string} version
 */
export async function fromCargo(name, version) {
  const folder = join(BUILD, name);
  await mkdir(folder, { recursive: true });
  const env = { ...process.env, CARGO_TARGET_DIR: join(folder, "target") };
  await run("cargo", ["install", name, "--version", version, "--locked", "--root", folder], {
    env,
  });
  await rm(join(folder, "target"), { recursive: true, force: true });
}

/** @returns {Promise<number>} a port that nobody listens on just now */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await until(() => server.listening, "a port");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  return port;
}

/** A program that runs in a folder of its own. */
export class Program {
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #child;
  #said = "";
  folder = "";

  async makeFolder() {
    this.folder = await mkdtemp(join(tmpdir(), "river-bench-clients-"));
  }

  /**
   * Start, and wait until an address answers.
   *
   * @param {string} command
   * @param {string[]} options
   * @param {string} url
   */
  async start(command, options, url) {
    this.#child = spawn(command, options, { cwd: this.folder });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on("data", (text) => {
        this.#said = (this.#said + text).slice(-SAID_MAX);
      });
    const answers = () =>
      fetch(url).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(async () => this.#child?.exitCode !== null || (await answers()), url);
    if (this.#child.exitCode !== null) throw new Error(`${command} ended: ${this.#said}`);
  }

  async remove() {
    const child = this.#child;
    child?.kill();
    await until(() => !child || child.exitCode !== null || child.signalCode, "its end");
    await rm(this.folder, { recursive: true, force: true });
  }
}
