import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
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
