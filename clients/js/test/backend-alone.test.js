import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { pauseMs, retryAfterMs } from "../server/retry.js";
import { River } from "../server/river.js";
import { unexpected } from "./fakes.js";

const KEY = "a-key";
const SECRET = "0123456789abcdef0123456789abcdef";

describe("without a server", () => {
  test("a server that is not there is unreachable, and nothing was published", async () => {
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (listener.address());
    await new Promise((resolve) => listener.close(resolve));
    const river = new River({ url: `http://127.0.0.1:${port}`, key: KEY, deadlineMs: 200 });
    const error = await river.publish("dogs", "post").then(unexpected, (error) => error);
    assert.equal(error.code, "unreachable");
    assert.equal(error.uncertain, false);
    assert.match(error.message, /^http:\/\/127\.0\.0\.1:\d+ cannot be reached: ./);
    assert.ok(error.cause);
  });

  test("options that cannot work are named at once", () => {
    const options = { url: "http://127.0.0.1:8001", key: KEY };
    for (const [wrong, name] of [
      [{ url: "127.0.0.1:8001" }, /^url/],
      [{ url: undefined }, /^url/],
      [{ key: "" }, /^key/],
      [{ key: "two words" }, /^key/],
      [{ secret: "short" }, /^secret/],
      [{ secret: "" }, /^secret/],
      [{ secert: SECRET }, /^secert.*did you mean secret\?/],
      [{ nothing: 1 }, /^nothing.*url, key, secret/],
    ]) {
      const made = () =>
        new River(/** @type {any} */ ({ ...options, .../** @type {{}} */ (wrong) }));
      assert.throws(made, { code: "option_invalid", message: /** @type {RegExp} */ (name) });
    }
  });

  test("options that are no object, or are not known, are refused by name", async () => {
    const loose = /** @type {any} */ (signer);
    for (const none of [undefined, null, "http://127.0.0.1:8001"]) {
      const made = () => new River(/** @type {any} */ (none));
      assert.throws(made, { code: "option_invalid", message: /an object: url, key, secret/ });
    }
    await assert.rejects(loose.history("dogs", { limt: 1 }), { message: /did you mean limit/ });
    await assert.rejects(loose.publishBatch({}), { message: /^messages: an array/ });
  });

  const signer = new River({ url: "http://127.0.0.1:1", key: KEY, secret: SECRET, issuer: "app" });

  test("a token is signed on the spot, with all that was granted", async () => {
    const [head = "", content = "", signature] = (
      await signer.token({
        user: "ädä",
        ttl_s: 60,
        channels: ["private-user-ädä"],
        publish: ["typing-*"],
        info: { color: "red" },
      })
    ).split(".");
    const known = createHmac("sha256", SECRET).update(`${head}.${content}`).digest("base64url");
    assert.equal(signature, known);
    assert.deepEqual(read(head), { alg: "HS256", typ: "JWT" });
    const { iat, exp, ...claims } = read(content);
    assert.equal(exp - iat, 60);
    assert.ok(Math.abs(iat - Date.now() / 1_000) < 60);
    assert.deepEqual(claims, {
      sub: "ädä",
      iss: "app",
      river: {
        channels: ["private-user-ädä"],
        publish: ["typing-*"],
        info: { color: "red" },
      },
    });
  });

  test("a token without grants has no claim of River's own", async () => {
    const [, content = ""] = (await signer.token({ user: "ada" })).split(".");
    assert.equal("river" in read(content), false);
    const [, none = ""] = (await signer.token({ user: "ada", subscribe: [] })).split(".");
    assert.deepEqual(read(none).river, { subscribe: [] });
  });

  test("a token that no server would take is not made", async () => {
    for (const wrong of [
      { user: "" },
      { user: "a".repeat(257) },
      { user: 7 },
      { user: "ada", ttl: 0 },
      { user: "ada", ttl_s: 0.5 },
      { user: "ada", ttl_s: 1e9 },
      { user: "ada", subscribe: "dogs" },
      { user: "ada", channels: "dogs" },
      { user: "ada", publsh: ["dogs"] },
      { user: "ada", info: { text: "x".repeat(4_086) } },
      { user: "ada", subscribe: Array(101).fill("a") },
      { user: "ada", publish: Array(101).fill("a") },
      { user: "ada", channels: Array(100).fill("a".repeat(164)) },
      { user: "ada", channels: Array(101).fill("a") },
    ]) {
      const made = signer.token(/** @type {any} */ (wrong));
      await assert.rejects(made, { code: "option_invalid" });
    }
  });

  test("pauses grow, are spread over all of their time, and obey Retry-After", () => {
    const most = [0, 1, 2, 3, 10].map((attempt) => pauseMs(attempt, 0, () => 1));
    assert.deepEqual(most, [100, 200, 400, 800, 5_000]);
    assert.equal(
      pauseMs(3, 0, () => 0),
      0,
    );
    assert.equal(
      pauseMs(0, 2_000, () => 0.5),
      2_050,
    );
    assert.deepEqual(["2", "soon", "-1", null].map(retryAfterMs), [2_000, 0, 0, 0]);
  });
});

/** @param {string} part */
function read(part) {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}
