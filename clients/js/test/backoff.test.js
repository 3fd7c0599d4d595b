import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../src/backoff.js";

test("the ceiling doubles from 500 ms up to 20 s", () => {
  const almost = () => 0.999999;
  const ceilings = [0, 1, 2, 3, 4, 5, 6, 2000].map((attempt) => backoff(attempt, almost) + 1);
  assert.deepEqual(ceilings, [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
});

test("the whole range below the ceiling is used", () => {
  assert.equal(
    backoff(3, () => 0),
    0,
  );
  assert.equal(
    backoff(3, () => 0.25),
    1000,
  );
});
