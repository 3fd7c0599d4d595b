import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff, outageBackoff } from "../src/backoff.js";

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

test("in an outage the ceiling is as high as the outage is old, from 500 ms up to 20 s", () => {
  const almost = () => 1 - Number.EPSILON;
  const ceilings = [0, 300, 500, 750, 6_000, 20_000, 1e9, Number.POSITIVE_INFINITY].map(
    (outageMs) => Math.round(outageBackoff(outageMs, almost) / 10) * 10,
  );
  assert.deepEqual(ceilings, [500, 500, 500, 750, 6_000, 20_000, 20_000, 20_000]);
});

test("whenever the server returns, no second sees more than three times the mean", () => {
  for (const outageMs of [500, 1_000, 3_000, 8_000, 30_000, 120_000]) {
    const back = Array.from({ length: 4_000 }, () => {
      let now = 0;
      while (now < outageMs) now += outageBackoff(now, Math.random) + 1;
      return now - outageMs;
    });
    const seconds = new Array(Math.ceil(Math.max(...back) / 1_000)).fill(0);
    for (const ms of back) seconds[Math.floor(ms / 1_000)] += 1;
    const mean = back.length / seconds.length;
    assert.ok(Math.max(...seconds) <= 3 * mean, `${outageMs} ms: ${seconds}`);
  }
});
