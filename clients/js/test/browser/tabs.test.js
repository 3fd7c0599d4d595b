import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Network, Server, until } from "../server.js";
import { Stage, skip } from "./stage.js";

/** @typedef {import("playwright-core").Page} Page */

/** What the page's scripts put on its global object. */
const page = /** @type {any} */ (globalThis);

describe("tabs that share a connection", { skip }, () => {
  const stage = new Stage();
  const server = new Server();
  /** @type {Network} */
  let network;
  /** @type {import("playwright-core").BrowserContext} */
  let context;
  let name = "";
  let number = 0;

  before(() => Promise.all([stage.start(), server.start()]));
  after(() => Promise.all([stage.end(), server.remove()]));

  beforeEach(async () => {
    name = `presence-${++number}`;
    network = new Network(server.url);
    await network.start();
    context = await stage.context();
  });

  afterEach(async () => {
    await context.close();
    network.end();
  });

  /** @param {object} [options] of the subscription */
  async function tab(options) {
    const opened = await stage.page(context);
    await opened.evaluate(
      async (given) => {
        const { sharedSocket } = await import(given.module);
        const { host, token, name, options } = given;
        page.heard = [];
        page.river = new page.River({ host, token, WebSocket: sharedSocket("ada") });
        page.channel = page.river.subscribe(name, options);
        page.channel.bind("post", (/** @type {any} */ data) => page.heard.push(data));
      },
      {
        module: "/src/tabs.js",
        host: network.host,
        token: await server.token("ada", { publish: ["*"], subscribe: ["*"] }),
        name,
        options,
      },
    );
    await until(() => opened.evaluate(() => page.channel.live), "the channel");
    return opened;
  }

  /**
   * @param {Page[]} tabs
   * @param {unknown[]} wanted
   */
  async function hear(tabs, wanted) {
    for (const one of tabs) {
      await until(
        () => one.evaluate(() => page.heard.at(-1)).then((last) => last === wanted.at(-1)),
        `${wanted}`,
      );
      assert.deepEqual(await one.evaluate(() => page.heard), wanted);
    }
  }

  const users = async () => (await server.api(`/channels/${name}`)).subscribers;

  test("three tabs have one WebSocket, and another takes over from one that is closed", async () => {
    const [first, second, third] = [await tab(), await tab(), await tab()];
    assert.equal(network.connections, 1);
    assert.equal(await users(), 1);
    await server.publish(name, 1, 2);
    await hear([first, second, third], [1, 2]);
    const closing = first.close();
    await server.publish(name, 3, 4);
    await closing;
    await server.publish(name, 5);
    await hear([second, third], [1, 2, 3, 4, 5]);
    assert.equal(network.connections, 2);
    assert.equal(await users(), 1);
  });

  test("a tab that comes later begins with the past, and knows who is there", async () => {
    await server.publish(name, 1, 2, 3);
    const first = await tab({ history: 1 });
    const second = await tab({ history: 2 });
    await server.publish(name, 4);
    await hear([first], [3, 4]);
    await hear([second], [2, 3, 4]);
    const members = () => [...page.channel.presence.members.keys()];
    assert.deepEqual(await second.evaluate(members), ["ada"]);
    assert.equal(network.connections, 1);
  });

  test("each tab publishes, asks and leaves for itself", async () => {
    const [first, second] = [await tab(), await tab()];
    const { offset } = await second.evaluate(() => page.channel.publish("post", 1));
    assert.equal(offset, 1);
    await hear([first, second], [1]);
    const { publications } = await first.evaluate(() => page.channel.history());
    assert.equal(publications.length, 1);
    await second.evaluate((left) => page.river.unsubscribe(left), name);
    await server.publish(name, 2);
    await hear([first], [1, 2]);
    assert.deepEqual(await second.evaluate(() => page.heard), [1]);
    await first.evaluate(() => page.river.disconnect());
    await second.evaluate(() => page.river.disconnect());
    await until(async () => (await users()) === 0, "the connection to end");
  });

  test("a network that was cut is survived by all, without a loss", async () => {
    const tabs = [await tab(), await tab(), await tab()];
    await server.publish(name, 1);
    await hear(tabs, [1]);
    network.cut();
    for (const one of tabs)
      await until(() => one.evaluate(() => page.river.state === "waiting"), "the loss");
    await server.publish(name, 2, 3);
    network.mend();
    await hear(tabs, [1, 2, 3]);
    assert.equal(await users(), 1);
  });
});
