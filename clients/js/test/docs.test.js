import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { SERVED_BYTES_MAX } from "../scripts/build.js";
import { PAGE, renewed } from "../scripts/reference.js";

/** Exported for other modules of the package. */
const INTERNAL = new Set(["httpUrl"]);

test("the reference in the docs says what the code says", async () => {
  const page = await readFile(PAGE, "utf8");
  assert.equal(page, await renewed(page), "write it again: npm run reference");
});

test("the reference names all that the package exports", async () => {
  const page = (await readFile(PAGE, "utf8")).split("## Reference")[1] ?? "";
  const entries = [
    "../src/river.js",
    "../src/tabs.js",
    "../src/http-socket.js",
    "../react/index.js",
    "../pusher/pusher.js",
  ];
  for (const entry of [...entries, "../server/river.js"]) {
    for (const name of Object.keys(await import(entry)))
      assert.ok(INTERNAL.has(name) || page.includes(name), `${name} of ${entry}`);
  }
});

test("the reference has all that a user calls", async () => {
  const page = await readFile(PAGE, "utf8");
  for (const name of ["channel.on(", "river.publishBatch(", "river.channels(", "error.uncertain"])
    assert.ok(page.includes(`#### \`${name}`), name);
});

test("the docs give the sizes of the files that were built", async () => {
  /** @type {[string, RegExp, string][]} a page, what it says in KB, and of which file */
  const claims = [
    ["docs/pusher.md", /^\| size, gzip \| 17.8 KB \| ([\d.]+) KB/m, "pusher.min.js"],
    ["docs/pusher.md", /KB, and ([\d.]+) KB where HTTP is needed/, "later-0.1.0.js"],
    ["docs/how-to/corporate-proxy.md", /later-VERSION.js`, ([\d.]+) KB/, "later-0.1.0.js"],
  ];
  for (const [path, pattern, name] of claims) {
    const page = await readFile(new URL(`../../../${path}`, import.meta.url), "utf8");
    const file = await readFile(new URL(`../dist/${name}`, import.meta.url));
    const size = (gzipSync(file, { level: 9 }).length / 1000).toFixed(1);
    assert.equal(page.match(pattern)?.[1], size, `${path} of ${name}`);
  }
  const most = `${SERVED_BYTES_MAX.toLocaleString("en")} bytes`;
  for (const path of ["CHANGELOG.md", "clients/js/README.md", "docs/clients/javascript.md"]) {
    const page = await readFile(new URL(`../../../${path}`, import.meta.url), "utf8");
    assert.ok(page.includes(`at most ${most}`), `${path}: ${most}`);
  }
});
