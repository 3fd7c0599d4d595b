import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { PAGE, renewed } from "../scripts/reference.js";

test("the reference in the docs says what the code says", async () => {
  const page = await readFile(PAGE, "utf8");
  assert.equal(page, await renewed(page), "write it again: npm run reference");
});

test("the reference has all that a user calls", async () => {
  const page = await readFile(PAGE, "utf8");
  for (const name of ["channel.on(", "river.publishBatch(", "river.channels(", "error.uncertain"])
    assert.ok(page.includes(`#### \`${name}`), name);
});
