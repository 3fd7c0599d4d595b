import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Server } from "../../clients/js/test/server.js";

const run = promisify(execFile);
const at = (path) => fileURLToPath(new URL(path, import.meta.url));
/** Programs, and what comes before the file to run. */
const RUNTIMES = {
  Bun: [at("node_modules/@oven/bun-linux-x64/bin/bun")],
  Deno: [
    at("node_modules/@deno/linux-x64-glibc/deno"),
    "run",
    "--allow-all",
    "--node-modules-dir=manual",
  ],
};

describe("the same code in", () => {
  const river = new Server();
  before(() => river.start());
  after(() => river.remove());

  for (const [name, [program, ...options]] of Object.entries(RUNTIMES))
    test(name, async () => {
      const host = new URL(river.url).host;
      const all = [...options, at("client.mjs"), host, river.apiUrl, river.apiKey];
      const { stdout } = await run(program, all, { timeout: 45_000 });
      assert.equal(stdout.trim(), "Fido");
    });
});
