import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { askToken, renewInMs } from "../src/token.js";
import { FakePlatform } from "./fakes.js";

/** @type {FakePlatform} */
let platform;

beforeEach(() => {
  platform = new FakePlatform();
});

test("a token is a text, or what a function gives, now or later", async () => {
  assert.equal(await askToken("T", platform), "T");
  assert.equal(await askToken(() => "T", platform), "T");
  assert.equal(await askToken(async () => "T", platform), "T");
  assert.equal(platform.timers.size, 0);
});

test("a function that throws is told apart by code and cause", async () => {
  const cause = new Error("no session");
  const failed = askToken(() => {
    throw cause;
  }, platform);
  await assert.rejects(failed, { code: "token_failed", message: /no session/, cause });
});

test("the response of fetch stands for its text, when it is one of success", async () => {
  assert.equal(await askToken(async () => new Response(" T\n"), platform), "T");
  const failed = askToken(() => new Response("T", { status: 403 }), platform);
  await assert.rejects(failed, { code: "token_failed", message: /answered 403/ });
});

test("a route may answer with JSON", async () => {
  const json = JSON.stringify({ token: "T" });
  for (const given of [json, { token: "T" }, new Response(json), Promise.resolve({ token: "T" })])
    assert.equal(await askToken(() => given, platform), "T");
});

test("what cannot be a token is refused in words that do not show it", async () => {
  const page = askToken(() => "<!doctype html><title>Log in</title>", platform);
  await assert.rejects(page, { code: "token_failed", message: /HTML page/ });
  for (const text of ['"secret"', '{"jwt":"secret"}', '{"secret', "secret secret"])
    await assert.rejects(
      askToken(text, platform),
      ({ code, message }) => code === "token_failed" && !message.includes("secret"),
    );
});

test("a function that gives no text has failed", async () => {
  for (const token of [undefined, "", null, { jwt: "T" }, 42, true]) {
    const source = /** @type {() => any} */ (() => token);
    const message = /it is (undefined|empty|object|number|boolean)$/;
    await assert.rejects(askToken(source, platform), { code: "token_failed", message });
  }
});

test("a function that hangs has failed after 10 s", async () => {
  const failed = askToken(() => new Promise(() => {}), platform);
  const outcome = assert.rejects(failed, { code: "token_failed", message: /no answer in 10 s/ });
  await platform.pass(10_000);
  await outcome;
});

test("a token is renewed after 80% of its life and at least 10 s before its end", () => {
  assert.equal(renewInMs(null), Number.POSITIVE_INFINITY);
  assert.equal(renewInMs(3_600_000), 2_880_000);
  assert.equal(renewInMs(40_000), 30_000);
  assert.equal(renewInMs(4_000), 2_000);
  assert.equal(renewInMs(-5), 60_000);
});
