import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { River as BackEnd } from "../../server/river.js";
import { Network, Server, until } from "../server.js";
import { Cluster, noCluster } from "./cluster.js";
import { Stage, skip } from "./stage.js";

/**
 * @typedef {import("playwright-core").Page} Page
 * @typedef {import("playwright-core").BrowserContext} Context
 */

/** What the page's scripts put on its global object. */
const page = /** @type {any} */ (globalThis);

const FLOOD = 50_000;

describe("in Chromium", { skip }, () => {
  const stage = new Stage();
  const server = new Server({ RIVER_HISTORY_SIZE: `${FLOOD}` });
  /** @type {BackEnd} */
  let backEnd;
  /** @type {Network} */
  let network;
  /** @type {Context} */
  let context;
  let token = "";
  let name = "";
  let number = 0;

  before(async () => {
    await Promise.all([stage.start(), server.start()]);
    const { apiUrl: url, apiKey: key, secret } = server;
    backEnd = new BackEnd({ url, key, secret });
    token = await backEnd.token({ user: "ada", publish: ["*"] });
  });

  after(() => Promise.all([stage.end(), server.remove()]));

  beforeEach(async () => {
    name = `dogs-${++number}`;
    network = new Network(server.url);
    await network.start();
    context = await stage.context();
  });

  afterEach(async () => {
    await context.close();
    network.end();
  });

  /**
   * A page with a client whose posts are heard and whose states are kept.
   *
   * @param {object} [options] of the subscription
   */
  async function client(options) {
    return withClient(await stage.page(context), options);
  }

  /**
   * @param {Page} opened
   * @param {object} [options] of the subscription
   */
  async function withClient(opened, options) {
    await opened.evaluate(
      (given) => {
        page.heard = [];
        page.states = [];
        page.river = new page.River({ host: given.host, token: given.token });
        page.river.on("state", (/** @type {any} */ { state, reason }) =>
          page.states.push({ state, reason }),
        );
        page.channel = page.river.subscribe(given.name, given.options);
        page.channel.bind("post", (/** @type {any} */ data) => page.heard.push(data));
      },
      { host: network.host, token, name, options },
    );
    return opened;
  }

  /**
   * Wait for something in a page.
   *
   * @param {Page} opened
   * @param {() => unknown} holds
   * @param {string} what
   */
  const comes = (opened, holds, what) => until(() => opened.evaluate(holds), what);
  /** @param {Page} opened */
  const live = (opened) => comes(opened, () => page.channel.live, "the channel");
  /** @param {Page} opened */
  const heard = (opened) => opened.evaluate(() => page.heard);
  /** @param {...unknown} data */
  const publish = async (...data) => {
    for (const each of data) await backEnd.publish(name, "post", each);
  };

  test("50,000 events at once: every callback is called, and the page is never frozen", async (t) => {
    const { epoch } = await backEnd.channel(name);
    for (let from = 0; from < FLOOD; from += 1_000) {
      const messages = Array.from({ length: 1_000 }, (_, index) => ({
        channel: name,
        event: "post",
        data: from + index,
      }));
      await backEnd.publishBatch(messages);
    }
    const opened = await stage.page(context);
    const { result, longestMs } = await stage.longestTask(opened, () => flood(opened, epoch));
    const { ms, count, inOrder } = result;
    t.diagnostic(`${count} events in ${Math.round(ms)} ms, longest task ${longestMs} ms`);
    assert.equal(count, FLOOD);
    assert.ok(inOrder);
    assert.ok(longestMs <= 50, `a task of ${longestMs} ms`);
  });

  /**
   * @param {Page} opened
   * @param {string} epoch
   */
  function flood(opened, epoch) {
    return opened.evaluate(
      async (given) => {
        const river = new page.River({ host: given.host, token: given.token });
        let [count, inOrder, start] = [0, true, 0];
        const channel = river.subscribe(given.name, { since: { epoch: given.epoch, offset: 0 } });
        await new Promise((resolve) => {
          channel.bind("post", (/** @type {number} */ data) => {
            start ||= performance.now();
            inOrder &&= data === count;
            count += 1;
            if (count === given.flood) resolve(undefined);
          });
        });
        river.disconnect();
        return { ms: performance.now() - start, count, inOrder };
      },
      { host: server.url, token, name, epoch, flood: FLOOD },
    );
  }

  test("the browser's offline mode is noticed, said, and left at once, without a loss", async () => {
    const opened = await client();
    await live(opened);
    await publish(1);
    await comes(opened, () => page.heard.length === 1, "the first");
    await context.setOffline(true);
    network.cut();
    await comes(opened, () => page.river.state === "waiting", "the loss");
    assert.equal(await opened.evaluate(() => page.river.reason), "the device is offline");
    await publish(2, 3, 4);
    network.mend();
    await context.setOffline(false);
    await comes(opened, () => page.heard.length === 4, "what was missed");
    assert.deepEqual(await heard(opened), [1, 2, 3, 4]);
  });

  test("a hidden page hears everything, and comes back by itself", async () => {
    const opened = await client();
    await live(opened);
    await hide(opened, "hidden");
    await publish(1);
    network.cut();
    await comes(opened, () => page.river.state === "waiting", "the loss");
    await publish(2);
    network.mend();
    await comes(opened, () => page.heard.length === 2, "what was missed");
    await hide(opened, "visible");
    await publish(3);
    await comes(opened, () => page.heard.length === 3, "the last");
    assert.deepEqual(await heard(opened), [1, 2, 3]);
  });

  test("a page that is hidden for ten minutes, its timers slowed to one a minute, goes on and comes back", async () => {
    const opened = await withClient(await stage.page(context, { clock: true }));
    await live(opened);
    await hide(opened, "hidden");
    const minute = async () => {
      await opened.clock.fastForward(60_000);
      await opened.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    };
    for (let minutes = 1; minutes <= 5; minutes++) {
      await minute();
      await publish(minutes);
      // In real time, as the pong before it: a busy machine needs some between two minutes.
      await until(async () => (await heard(opened)).length === minutes, `minute ${minutes}`);
    }
    assert.equal(network.connections, 1);
    network.freeze();
    await publish(6);
    for (let minutes = 6; minutes <= 10; minutes++) await minute();
    const words = await opened.evaluate(() => page.states.map((/** @type {any} */ s) => s.reason));
    assert.ok(words.includes("the server does not answer"), `${words}`);
    network.thaw();
    await hide(opened, "visible");
    await comes(opened, () => page.heard.length === 6, "what was missed");
    assert.deepEqual(await heard(opened), [1, 2, 3, 4, 5, 6]);
  });

  test("after eight hours of sleep a dead connection is found within seconds", async () => {
    const opened = await withClient(await stage.page(context, { clock: true }));
    await live(opened);
    // The page's time stands from here on: no slow machine makes five seconds longer.
    await opened.clock.pauseAt(Date.now() + 60_000);
    await publish(1);
    await comes(opened, () => page.heard.length === 1, "a sign of life");
    network.freeze();
    await publish(2);
    await opened.evaluate(() => page.states.splice(0));
    await opened.clock.fastForward(8 * 3_600_000);
    await opened.clock.runFor(5_000);
    const [lost] = await opened.evaluate(() => page.states);
    assert.equal(lost?.reason, "the server does not answer");
    network.thaw();
    await opened.clock.resume();
    await comes(opened, () => page.heard.length === 2, "what was missed");
    assert.deepEqual(await heard(opened), [1, 2]);
  });

  test("who comes back to a page that waits has a connection at once", async () => {
    const opened = await client();
    await live(opened);
    network.cut();
    // Until the wait is longer than this test would take.
    await comes(
      opened,
      () => page.states.filter((/** @type {any} */ { state }) => state === "waiting").length > 3,
      "some attempts",
    );
    await opened.evaluate(() => page.states.splice(0));
    network.mend();
    await hide(opened, "visible");
    await live(opened);
    const states = await opened.evaluate(() =>
      page.states.map((/** @type {any} */ { state }) => state),
    );
    assert.deepEqual(states, ["connecting", "connected"]);
  });

  test("a client runs in a worker", async () => {
    await publish("for the worker");
    const opened = await stage.page(context);
    const event = await opened.evaluate(
      (given) => {
        const source = `
          import { River } from "${given.origin}/src/river.js";
          const river = new River(${JSON.stringify({ host: given.host, token: given.token })});
          river.subscribe("${given.name}", { history: 1 }).bind("post", (data) => postMessage(data));
        `;
        const blob = new Blob([source], { type: "text/javascript" });
        const worker = new Worker(URL.createObjectURL(blob), { type: "module" });
        return new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = reject;
        });
      },
      { origin: stage.origin, host: server.url, token, name },
    );
    assert.equal(event, "for the worker");
  });
});

describe("200 clients in Chromium", { skip: skip || noCluster }, () => {
  const stage = new Stage();
  const cluster = new Cluster();

  before(() => Promise.all([stage.start(), cluster.start()]));
  after(() => Promise.all([stage.end(), cluster.remove()]));

  test("that lose their gateway come back spread out, resume, and hear everything once", async (t) => {
    const context = await stage.context();
    const pages = await Promise.all([0, 1, 2, 3].map(() => stage.page(context)));
    const token = await cluster.river.token({ user: "ada" });
    for (const opened of pages) {
      await opened.evaluate(
        (given) => {
          page.clients = Array.from({ length: 50 }, () => {
            const client = /** @type {any} */ ({ heard: [], recovered: [], back: 0 });
            const river = new page.River(given);
            client.channel = river.subscribe("dogs");
            client.channel.bind("post", (/** @type {any} */ data) => client.heard.push(data));
            client.channel.bind("river:subscribed", (/** @type {any} */ { recovered }) => {
              client.recovered.push(recovered);
              client.back = Date.now();
            });
            return client;
          });
        },
        { host: cluster.url, token },
      );
    }
    /** @param {() => any} read */
    const all = async (read) => (await Promise.all(pages.map((one) => one.evaluate(read)))).flat();
    const live = () =>
      all(() => page.clients.map((/** @type {any} */ { channel }) => channel.live));
    await until(async () => (await live()).every(Boolean), "200 channels");
    await cluster.river.publish("dogs", "post", 1);
    await cluster.killGateway();
    await until(async () => !(await live()).some(Boolean), "the loss to be noticed");
    await cluster.river.publish("dogs", "post", 2);
    await cluster.startGateway();
    await until(async () => (await live()).every(Boolean), "all to be back");
    await cluster.river.publish("dogs", "post", 3);
    const counts = () =>
      all(() => page.clients.map((/** @type {any} */ { heard }) => heard.length));
    await until(
      async () => (await counts()).every((count) => count >= 3),
      "everything to be heard",
    );
    const heard = await all(() => page.clients.map((/** @type {any} */ { heard }) => heard.join()));
    assert.deepEqual([...new Set(heard)], ["1,2,3"]);
    const recovered = await all(() =>
      page.clients.map((/** @type {any} */ one) => one.recovered.join()),
    );
    assert.deepEqual([...new Set(recovered)], ["false,true"]);
    const times = await all(() => page.clients.map((/** @type {any} */ { back }) => back));
    const seconds = bySecond(times);
    t.diagnostic(`back in each second: ${seconds}`);
    // Over the time in which all but two came: a busy machine holds somebody up for long.
    const last = times.toSorted((one, other) => one - other).at(-3) ?? 0;
    const mean = times.length / ((last - Math.min(...times)) / 1_000 + 1);
    assert.ok(Math.max(...seconds) <= 3 * mean, `${seconds}`);
  });
});

/**
 * What a page sees when its tab is left or looked at.
 *
 * @param {Page} opened
 * @param {"hidden" | "visible"} state
 */
async function hide(opened, state) {
  await opened.evaluate((given) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => given });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}

/** @param {number[]} times in milliseconds */
function bySecond(times) {
  const first = Math.min(...times);
  const seconds = new Array(Math.floor((Math.max(...times) - first) / 1_000) + 1).fill(0);
  for (const time of times) seconds[Math.floor((time - first) / 1_000)] += 1;
  return seconds;
}
