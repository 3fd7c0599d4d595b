import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { Route } from "../src/route.js";
import { FakeSocket, settled } from "./fakes.js";

const URL_OF_RIVER = "ws://river.example/ws";
const { fetch } = globalThis;

/** @type {number} how often plain HTTP was tried */
let checks;

before(() => {
  globalThis.fetch = async () => {
    checks += 1;
    return Response.json({ error: { code: "no_channels" } });
  };
});
after(() => {
  globalThis.fetch = fetch;
});
beforeEach(() => {
  checks = 0;
});

/** @param {Route} route */
async function kind(route) {
  await import("../src/later.js");
  await settled();
  return route.newSocket().transport ?? "websocket";
}

describe("the way to the server", () => {
  for (const code of [1000, 1001, 1002, 1005, 1006, 1008, 1009, 1011, 1015])
    test(`two that are closed with ${code} before River has answered are blocked`, async () => {
      const route = new Route(URL_OF_RIVER, FakeSocket);
      route.lost(code, 0);
      assert.equal(await kind(route), "websocket");
      route.lost(code, 0);
      assert.equal(await kind(route), "stream");
    });

  test("three that are closed within the first minute are blocked", async () => {
    const route = new Route(URL_OF_RIVER, FakeSocket);
    for (const livedMs of [50_000, 40_000]) route.lost(1008, livedMs);
    assert.equal(await kind(route), "websocket");
    route.lost(1008, 30_000);
    assert.equal(await kind(route), "stream");
  });

  test("what River itself says is no sign of a blocked network", async () => {
    const route = new Route(URL_OF_RIVER, FakeSocket);
    for (const code of [4401, 4503, 4429, 4401, 4503]) route.lost(code, 0);
    assert.equal(await kind(route), "websocket");
    assert.equal(checks, 0);
  });

  test("without a WebSocket class the first attempt is enough", async () => {
    const route = new Route(URL_OF_RIVER, /** @type {any} */ (undefined));
    assert.throws(() => route.newSocket(), TypeError);
    route.lost(1006, 0);
    assert.equal(await kind(route), "stream");
  });
});
