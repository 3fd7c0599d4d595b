import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { afterEach, beforeEach, describe, test } from "node:test";
import { River, RiverError } from "../server/river.js";
import { unexpected } from "./fakes.js";

const KEY = "a-key";

/** @typedef {{method: string, url: string, body: any, key: unknown}} Seen */
/** @typedef {(response: import("node:http").ServerResponse, seen: Seen) => void} Behaviour */

describe("against a server that the test plays", () => {
  /** @type {Seen[]} */
  let seen;
  /** @type {Behaviour[]} what it does with one request after another; the last one for all that follow */
  let behaviours;
  /** @type {import("node:http").Server} */
  let http;
  let url = "";

  beforeEach(async () => {
    seen = [];
    http = createServer(async (request, response) => {
      let text = "";
      for await (const piece of request) text += piece;
      const { method = "", url: path = "", headers } = request;
      const one = { method, url: path, body: text && JSON.parse(text), key: headers["x-api-key"] };
      seen.push(one);
      const behaviour = behaviours[Math.min(seen.length, behaviours.length) - 1];
      behaviour?.(response, one);
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const address = /** @type {import("node:net").AddressInfo} */ (http.address());
    url = `http://127.0.0.1:${address.port}`;
  });

  afterEach(() => {
    http.closeAllConnections();
    http.close();
  });

  /** @param {Partial<import("../server/river.js").Options>} [options] */
  const river = (options) => new River({ url, key: KEY, ...options });

  /**
   * @param {number} status
   * @param {object} body
   * @param {Record<string, string>} [headers]
   * @returns {Behaviour}
   */
  const answers = (status, body, headers) => (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
  const accepts = answers(200, { epoch: "e", offset: 1 });
  const away = answers(503, { error: { code: "broker_unavailable", message: "it is away" } });
  /** @type {Behaviour} */
  const cuts = (response) => response.destroy();
  /** @type {Behaviour} */
  const hangs = () => {};

  test("a publish is sent with its key, its data and an id", async () => {
    behaviours = [accepts];
    const position = await river().publish("dogs", "post", { text: "hello" });
    assert.deepEqual(position, { epoch: "e", offset: 1 });
    const [{ url: path, body, key } = assert.fail()] = seen;
    assert.deepEqual([path, key], ["/publish", KEY]);
    assert.match(body.id, /^[0-9a-f-]{36}$/);
    const { id: _, ...rest } = body;
    assert.deepEqual(rest, { channel: "dogs", event: "post", data: { text: "hello" } });
  });

  test("whatever keeps the answer away, it is sent again with the same id", async () => {
    const unknown = answers(504, { error: { code: "unknown", message: "perhaps" } });
    behaviours = [away, cuts, hangs, answers(502, {}), unknown, answers(429, {}), accepts];
    const { offset } = await river({ timeoutMs: 200 }).publish("dogs", "post", 1);
    assert.equal(offset, 1);
    assert.equal(seen.length, 7);
    assert.equal(new Set(seen.map(({ body }) => body.id)).size, 1);
  });

  test("two publishes have ids of their own, and yours is taken as it is", async () => {
    behaviours = [accepts];
    const one = river();
    await one.publish("dogs", "post");
    await one.publish("dogs", "post");
    await one.publish("dogs", "post", null, { id: "post-7" });
    assert.equal(new Set(seen.map(({ body }) => body.id)).size, 3);
    assert.equal(seen[2]?.body.id, "post-7");
    assert.equal(seen[0]?.body.data, null);
  });

  test("the server's Retry-After is waited for", async () => {
    behaviours = [answers(503, {}, { "retry-after": "1" }), accepts];
    const start = performance.now();
    await river().publish("dogs", "post");
    assert.ok(performance.now() - start >= 1_000);
  });

  test("the deadline ends with the last error, and with the id to try again", async () => {
    behaviours = [away];
    const failed = river({ deadlineMs: 300 }).publish("dogs", "post", 1, { id: "mine" });
    const error = await failed.then(unexpected, (error) => error);
    assert.ok(error instanceof RiverError && error instanceof Error);
    const { name, code, message, status, uncertain, id } = error;
    assert.deepEqual(
      { name, code, message, status, uncertain, id },
      {
        name: "RiverError",
        code: "broker_unavailable",
        message: "it is away",
        status: 503,
        uncertain: false,
        id: "mine",
      },
    );
    assert.ok(seen.length > 1);
  });

  test("with a deadline of 0 there is one attempt", async () => {
    behaviours = [away];
    await assert.rejects(river({ deadlineMs: 0 }).publish("dogs", "post"), { status: 503 });
    assert.equal(seen.length, 1);
  });

  test("a refusal is final", async () => {
    const refused = { error: { code: "channel_invalid", message: "no such name" } };
    behaviours = [answers(400, refused)];
    await assert.rejects(river().publish("a b", "post"), {
      code: "channel_invalid",
      status: 400,
      uncertain: false,
    });
    assert.equal(seen.length, 1);
  });

  test("nobody knows what became of a publish whose answers all got lost", async () => {
    behaviours = [cuts, away];
    await assert.rejects(river({ deadlineMs: 150 }).publish("dogs", "post"), { uncertain: true });
    behaviours = [hangs];
    const slow = river({ deadlineMs: 0, timeoutMs: 50 }).publish("dogs", "post");
    await assert.rejects(slow, {
      code: "timeout",
      uncertain: true,
      message: /did not answer in 50/,
    });
  });

  test("what is not River is called so, at once", async () => {
    /** @type {Behaviour[]} */
    const strangers = [
      (response) => response.end("<html>Welcome!</html>"),
      (response) => response.writeHead(404).end("<html>Not here</html>"),
      (response) => response.writeHead(302, { location: "/login" }).end(),
    ];
    for (const stranger of strangers) {
      behaviours = [stranger];
      seen = [];
      const failed = river().publish("dogs", "post");
      await assert.rejects(failed, {
        code: "unexpected_answer",
        message: /is not River's publish/,
      });
      // The key goes there once; without it, whether it is a gateway is asked.
      assert.deepEqual(
        seen.map(({ url: path, key }) => [path, key]).slice(0, 2),
        [
          ["/publish", KEY],
          ["/client/river.js", undefined],
        ].slice(0, seen.length),
      );
    }
  });

  test("several channels fail together when one of them was not taken", async () => {
    const taken = { epoch: "e", offset: 1 };
    const not = { error: { code: "broker_unavailable", message: "away" } };
    behaviours = [
      answers(200, { results: [taken, not] }),
      answers(200, { results: [taken, taken] }),
    ];
    assert.deepEqual(await river().publish(["a", "b"], "post"), [taken, taken]);
    assert.equal(seen[0]?.body.id, seen[1]?.body.id);
    assert.deepEqual(seen[0]?.body.channels, ["a", "b"]);
    behaviours = [answers(200, { results: [taken, not] })];
    const failed = river({ deadlineMs: 100 }).publish(["a", "b"], "post");
    await assert.rejects(failed, { code: "broker_unavailable" });
  });

  test("a batch whose entries were not all taken is sent again, with the same ids", async () => {
    const taken = { epoch: "e", offset: 1 };
    const not = { error: { code: "broker_unavailable", message: "away" } };
    const bad = { error: { code: "channel_invalid", message: "no" } };
    behaviours = [
      answers(200, { results: [taken, not, bad] }),
      answers(200, { results: [taken, { epoch: "e", offset: 2 }, bad] }),
    ];
    const messages = ["a", "b", "c d"].map((channel) => ({ channel, event: "post" }));
    const [first, second, third] = await river().publishBatch(messages);
    assert.deepEqual([first, second], [taken, { epoch: "e", offset: 2 }]);
    assert.ok(
      third && "error" in third && third.error.code === "channel_invalid" && third.error.id,
    );
    assert.deepEqual(seen[0]?.body, seen[1]?.body);
    assert.deepEqual(messages[0], { channel: "a", event: "post" });
  });

  test("what the deadline kept out of a batch is an error in its place", async () => {
    const not = { error: { code: "broker_unavailable", message: "away" } };
    behaviours = [answers(200, { results: [{ epoch: "e", offset: 1 }, not] })];
    const messages = ["a", "b"].map((channel) => ({ channel, event: "post", id: `of-${channel}` }));
    const results = await river({ deadlineMs: 100 }).publishBatch(messages);
    const [, last] = results;
    assert.ok(last && "error" in last && last.error.id === "of-b");
  });

  test("names are written into addresses safely", async () => {
    behaviours = [answers(200, { count: 0, members: [], publications: [], channels: {} })];
    const one = river({ url: `${url}/internal/river/` });
    await one.presence("presence-a;b");
    await one.history("a,b", { after: { epoch: "e&f", offset: 3 }, limit: 5 });
    for (const user of ["auth0|507f", "user+x@é", "a?b#c%2F", "github/17", "..", ".", "-"])
      await one.disconnect(user);
    await one.history("..", { limit: 1 });
    await one.channels();
    await one.channels("a=");
    assert.deepEqual(
      seen.map(({ url: path }) => path.replace("/internal/river", "")),
      [
        "/channels/presence-a%3Bb/presence",
        "/channels/a%2Cb/history?epoch=e%26f&offset=3&limit=5",
        "/users/auth0%7C507f/disconnect",
        "/users/user%2Bx%40%C3%A9/disconnect",
        "/users/a%3Fb%23c%252F/disconnect",
        "/users/-/disconnect?user=github%2F17",
        "/users/-/disconnect?user=..",
        "/users/-/disconnect?user=.",
        "/users/-/disconnect?user=-",
        "/channels/-/history?channel=..&limit=1",
        "/channels",
        "/channels?prefix=a%3D",
      ],
    );
  });

  test("orders about users are sent as the contract has them", async () => {
    behaviours = [answers(200, { epoch: "e", offset: 1 })];
    const one = river();
    await one.revoke("a/b");
    await one.block("ann");
    await one.block("ann", { until: new Date(7_500) });
    await one.block("ann", { until: 8 });
    await one.unblock("..");
    await one.remove("ann", "dogs");
    await one.remove("ann", "a/b");
    await one.user("auth0|1");
    await one.publishToUser("ann", "n", 1, { id: "one", keep: false });
    assert.deepEqual(
      seen.map(({ method, url: path, body }) => [method, path, body]),
      [
        ["POST", "/users/-/disconnect?user=a%2Fb", { revoke: true }],
        ["POST", "/users/ann/block", { until: null }],
        ["POST", "/users/ann/block", { until: 7.5 }],
        ["POST", "/users/ann/block", { until: 8 }],
        ["DELETE", "/users/-/block?user=..", ""],
        ["POST", "/users/ann/channels/dogs/remove", ""],
        ["POST", "/users/-/channels/-/remove?user=ann&channel=a%2Fb", ""],
        ["GET", "/users/auth0%7C1", ""],
        ["POST", "/users/ann/publish", { event: "n", data: 1, id: "one", keep: false }],
      ],
    );
    await assert.rejects(one.block("ann", /** @type {any} */ ({ untill: 8 })), {
      code: "option_invalid",
      message: /did you mean until/,
    });
  });

  test("a server that took the order for another user is named", async () => {
    behaviours = [answers(200, { user: "-" })];
    await assert.rejects(river().revoke("github/17"), { code: "unsupported" });
  });

  test("the key follows no redirect, and the error says where it would have gone", async () => {
    behaviours = [(response) => response.writeHead(307, { location: `${url}/there` }).end()];
    await assert.rejects(river().publish("dogs", "post"), {
      code: "unexpected_answer",
      message: new RegExp(`a redirect to ${url}/there`),
    });
    assert.deepEqual(
      seen.map(({ url: path }) => path),
      ["/publish", "/client/river.js"],
    );
  });

  test("what was published before stays accepted in its old spelling", async () => {
    behaviours = [accepts];
    const old = /** @type {any} */ ({ key: "post-7" });
    await river(/** @type {any} */ ({ patienceMs: 0 })).publish("dogs", "post", 1, old);
    assert.equal(seen[0]?.body.id, "post-7");
    assert.equal("key" in (seen[0]?.body ?? {}), false);
  });

  test("keep and exclude are sent where they are given", async () => {
    behaviours = [answers(200, { epoch: "e", after: 1 })];
    const answer = await river().publish("dogs", "typing", 1, { keep: false, exclude: "s" });
    assert.deepEqual(answer, { epoch: "e", after: 1 });
    const { keep, exclude } = seen[0]?.body ?? {};
    assert.deepEqual({ keep, exclude }, { keep: false, exclude: "s" });
  });

  test("data that JSON cannot say is refused before anything is sent", async () => {
    behaviours = [accepts];
    for (const data of [1n, circle()])
      await assert.rejects(river().publish("dogs", "post", data), {
        name: "RiverError",
        code: "data_invalid",
        message: /^data: .*send text/s,
      });
    assert.equal(seen.length, 0);
  });
});

/** A value that contains itself. */
function circle() {
  /** @type {unknown[]} */
  const inner = [];
  inner.push(inner);
  return inner;
}
