import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Network, until } from "../server.js";
import { Cluster, noCluster } from "./cluster.js";
import { Stage, skip } from "./stage.js";

/** What the page's scripts put on its global object. */
const page = /** @type {any} */ (globalThis);

describe("a planned stop of a gateway", { skip: skip || noCluster }, () => {
  const stage = new Stage();
  const cluster = new Cluster();
  /** @type {Network} */
  let network;

  before(async () => {
    await Promise.all([stage.start(), cluster.start()]);
    network = new Network(cluster.url);
    await network.start();
  });

  after(async () => {
    await Promise.all([stage.end(), cluster.remove()]);
    network.end();
  });

  test("moves alone and in shared tabs without a pause, a loss or a duplicate", async () => {
    const context = await stage.context();
    const token = await cluster.river.token({ user: "ada" });
    /** @type {import("playwright-core").Page[]} */
    const pages = [];
    for (const shared of [false, true, true]) {
      const opened = await stage.page(context);
      pages.push(opened);
      await opened.evaluate(
        async ({ host, token, shared }) => {
          const { sharedSocket } = await import(/** @type {any} */ ("/src/tabs.js"));
          const WebSocket = shared ? sharedSocket("ada") : globalThis.WebSocket;
          page.states = [];
          page.heard = [];
          page.lives = 0;
          page.river = new page.River({ host, token, WebSocket });
          page.river.on("state", (/** @type {any} */ { state }) => page.states.push(state));
          page.channel = page.river.subscribe("presence-dogs");
          page.channel.on("post", (/** @type {any} */ data) => page.heard.push(data));
          page.channel.on("river:subscribed", () => {
            page.lives += 1;
          });
          for (const name of ["joined", "left"])
            page.channel.on(`river:${name}`, () => page.heard.push(name));
        },
        { host: network.host, token, shared },
      );
      await until(() => opened.evaluate(() => page.channel.live), "the channel");
    }
    const before = network.connections;
    network.lead(await cluster.addGateway());
    cluster.stopGateway();
    let published = 0;
    const moved = async () => {
      await cluster.river.publish("presence-dogs", "post", ++published);
      const lives = await Promise.all(pages.map((one) => one.evaluate(() => page.lives)));
      return lives.every((count) => count === 2);
    };
    await until(moved, "all to have moved");
    await cluster.river.publish("presence-dogs", "post", ++published);
    const wanted = Array.from({ length: published }, (_, index) => index + 1);
    for (const opened of pages) {
      const last = () => opened.evaluate(() => page.heard.at(-1));
      await until(async () => (await last()) === published, "the last event");
      assert.deepEqual(await opened.evaluate(() => page.heard), wanted);
      assert.deepEqual(await opened.evaluate(() => page.states), ["connected"]);
    }
    assert.equal(network.connections - before, 2);
    await context.close();
  });
});
