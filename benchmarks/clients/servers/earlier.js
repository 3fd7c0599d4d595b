/** River as it was when its client was many files: the sources of then, with the packages of now. */

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { River } from "river-realtime/server";
import { freePort, Program } from "../programs.js";

/** The last one whose gateways served the modules one by one. */
export const COMMIT = "247cd63";
const HOME = fileURLToPath(new URL("../../../", import.meta.url));
const run = promisify(execFile);

/** `river dev` of that commit. */
export class EarlierRiver {
  #program = new Program();
  /** @type {River | undefined} */
  #backEnd;
  port = 0;
  token = "";

  async start() {
    await this.#program.makeFolder();
    const { folder } = this.#program;
    const archive = join(folder, "then.tar");
    await run("git", ["-C", HOME, "archive", "--output", archive, COMMIT, "server", "clients"]);
    await run("tar", ["--extract", "--file", archive, "--directory", folder]);
    const apiPort = await freePort();
    this.port = await freePort();
    const settings = {
      PYTHONPATH: `${folder}/server/src:${folder}/clients/python/src`,
      RIVER_PORT: this.port,
      RIVER_API_PORT: apiPort,
    };
    const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const url = `http://127.0.0.1:${apiPort}`;
    const command = [...words, join(HOME, ".venv/bin/python"), "-m", "riverd", "dev"];
    await this.#program.start("env", command, `${url}/readyz`);
    const kept = JSON.parse(await readFile(join(folder, ".river/dev.json"), "utf8"));
    this.#backEnd = new River({ url, key: kept.api_key, secret: kept.secret });
    this.token = await this.#backEnd.token({ user: "ada", subscribe: ["private-dogs"] });
  }

  /** @type {import("../front.js").Route} */
  route = ({ url }) => (url === "/token" ? { type: "text/plain", body: this.token } : undefined);

  /** @param {{number: number}} post */
  async publish(post) {
    await this.#backEnd?.publish("private-dogs", "post", post);
  }

  remove() {
    return this.#program.remove();
  }
}
