import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import WebSocket from "ws";
import { River } from "../src/river.js";
import { Mendable } from "./browser/proxies.js";
import { Server, unavailable, until } from "./server.js";

describe("on Node, behind a proxy that lets no WebSocket through", { skip: unavailable }, () => {
  const server = new Server();
  before(() => server.start());
  after(() => server.remove());

  test("a subscriber goes by a stream by itself, and gets everything once", async () => {
    const proxy = new Mendable(server.url);
    const river = new River({
      host: await proxy.start(),
      token: await server.token("dogs"),
      WebSocket: /** @type {any} */ (WebSocket),
    });
    /** @type {unknown[]} */
    const heard = [];
    const channel = river.subscribe("dogs");
    channel.on("post", (data) => heard.push(data));
    await until(() => river.transport === "stream" && channel.live, "the stream");
    await server.publish("dogs", 1, 2);
    await until(() => heard.length === 2, "both events");
    assert.deepEqual(heard, [1, 2]);
    river.disconnect();
    proxy.end();
  });
});
