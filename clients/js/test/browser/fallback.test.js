import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Server, until } from "../server.js";
import { Mendable, missing, Proxies } from "./proxies.js";
import { Stage, skip } from "./stage.js";

/** @typedef {import("playwright-core").Page} Page */

/** What the page's scripts put on its global object. */
const page = /** @type {any} */ (globalThis);
const POSTS = 30;
/** Where the picture of the documentation is written, if it is asked for. */
const PICTURES = process.env.RIVER_PICTURES;
const SILENT = "swallows all frames";

describe("behind a company's proxy", { skip: skip || missing }, () => {
  const stage = new Stage();
  const server = new Server();
  const proxies = new Proxies();
  /** @type {import("playwright-core").BrowserContext} */
  let context;

  before(async () => {
    await Promise.all([stage.start(), server.start()]);
    await proxies.start(server.url);
    context = await stage.context();
  });
  after(() => Promise.all([stage.end(), server.remove(), proxies.end()]));

  /**
   * A page with the client that the gateway serves, through the proxy.
   *
   * @param {string} origin
   * @param {string} channel
   * @param {{shared?: boolean, clock?: boolean}} [how]
   */
  async function open(origin, channel, { shared = false, clock = false } = {}) {
    // A clock is a context's: its other pages would have to have it too.
    const opened = await stage.page(clock ? await stage.context() : context, { clock });
    await opened.evaluate(
      async ({ origin, channel, token, shared }) => {
        const { River } = await import(`${origin}/client/river.js`);
        const { sharedSocket } = await import(`${origin}/client/tabs.js`);
        const options = shared ? { WebSocket: sharedSocket("ada") } : {};
        page.heard = [];
        page.states = [];
        page.river = new River({ token, ...options });
        page.river.on("state", (/** @type {any} */ { state }) => page.states.push(state));
        page.channel = page.river.subscribe(channel);
        page.channel.on("post", (/** @type {unknown} */ data) => page.heard.push(data));
      },
      { origin, channel, shared, token: await server.token(channel, { publish: ["*"] }) },
    );
    return opened;
  }

  /**
   * @param {Page} opened
   * @param {string} transport
   */
  const goesBy = (opened, transport) =>
    until(
      () =>
        opened.evaluate(
          (expected) => page.river.transport === expected && page.channel.live,
          transport,
        ),
      `the page to go by ${transport}`,
    );

  /** @param {Page} opened */
  const heardBy = (opened) => opened.evaluate(() => page.heard);

  /**
   * What each page shows of itself, in one picture.
   *
   * @param {Page[]} pages
   * @param {string[]} names what each one's proxy does
   * @param {string} path
   */
  async function picture(pages, names, path) {
    const shown = await Promise.all(
      pages.map((opened) =>
        opened.evaluate(() => [
          page.states.join(", "),
          page.river.transport,
          `${page.heard.length}: ${page.heard[0]} to ${page.heard.at(-1)}`,
        ]),
      ),
    );
    const heads = ["the proxy", "states", "river.transport", "events"];
    const rows = [heads, ...shown.map((cells, index) => [names[index], ...cells])];
    const text = rows.map((cells) => `<tr><td>${cells.join("<td>")}`).join("");
    const last = /** @type {Page} */ (pages.at(-1));
    await last.setContent(`<style>
      body { font: 15px/1.5 sans-serif; margin: 16px } table { border-collapse: collapse }
      td { padding: 4px 16px 4px 0; border-bottom: 1px solid #ccc; vertical-align: top }
      td:last-child { white-space: nowrap }
      tr:first-child { font-weight: bold }</style><table>${text}</table>`);
    await last.setViewportSize({ width: 1100, height: 100 });
    await last.screenshot({ path, fullPage: true });
  }

  test("everything arrives once and in order, whatever the proxy does", async () => {
    const channel = "dogs";
    const names = Object.keys(proxies.origins);
    assert.equal(names.length, 5);
    const pages = await Promise.all(
      names.map((name) => open(String(proxies.origins[name]), channel, { clock: name === SILENT })),
    );
    // Whoever gets no answer waits for it, for 10 s.
    await pages[names.indexOf(SILENT)]?.clock.fastForward(11_000);
    // A WebSocket that is cut later has heard the first ones.
    const posts = Array.from({ length: POSTS }, (_, index) => index);
    const cut = /** @type {Page} */ (pages.at(-1));
    await until(() => cut.evaluate(() => page.channel.live), "the one that is cut later");
    await server.publish(channel, ...posts.slice(0, 10));
    for (const [index, opened] of pages.entries())
      await goesBy(opened, names[index] === "keeps streams back" ? "poll" : "stream");
    // Those that came later are where the log was then.
    const before = await Promise.all(pages.map(heardBy));
    await server.publish(channel, ...posts.slice(10));
    for (const [index, opened] of pages.entries()) {
      await until(async () => (await heardBy(opened)).at(-1) === POSTS - 1, String(names[index]));
      const expected = [...(before[index] ?? []), ...posts.slice(10)];
      assert.deepEqual(await heardBy(opened), expected, names[index]);
      const position = await opened.evaluate(() => page.channel.publish("typing", {}));
      assert.ok(position.offset >= POSTS);
    }
    assert.deepEqual(before.at(-1), posts.slice(0, 10));
    if (PICTURES) await picture(pages, names, join(PICTURES, "fallback.png"));
    await Promise.all(pages.map((opened) => opened.close()));
  });

  for (const [what, init] of [
    ["a browser that may have no WebSocket class", "delete globalThis.WebSocket"],
    ["a filter that opens WebSockets and closes them with 1008", ""],
  ])
    test(`${what} is no reason to fail`, async () => {
      const own = await stage.context();
      if (init) await own.addInitScript(init);
      else await own.routeWebSocket(/./, (socket) => socket.close({ code: 1008 }));
      const opened = await stage.page(own);
      /** @type {unknown[]} */
      const failures = [];
      opened.on("pageerror", (error) => failures.push(error));
      const origin = server.url;
      const token = await server.token("owls");
      await opened.evaluate(
        async ({ origin, token }) => {
          const { River } = await import(`${origin}/client/river.js`);
          page.heard = [];
          page.river = new River({ token });
          page.channel = page.river.subscribe("owls");
          page.channel.on("post", (/** @type {unknown} */ data) => page.heard.push(data));
        },
        { origin, token },
      );
      await goesBy(opened, "stream");
      await server.publish("owls", 1);
      await until(async () => (await heardBy(opened)).length === 1, "the event");
      assert.deepEqual(failures, []);
      await own.close();
    });

  test("tabs that share a connection share one stream", async () => {
    const origin = String(proxies.origins["answers 403"]);
    const tabs = [await open(origin, "cats", { shared: true })];
    tabs.push(await open(origin, "cats", { shared: true }));
    for (const tab of tabs) await goesBy(tab, "stream");
    await server.publish("cats", 1);
    for (const tab of tabs)
      await until(async () => (await heardBy(tab)).length === 1, "the event in each tab");
    const streams = async () => (await server.api("/users/cats")).connections.length;
    await until(async () => (await streams()) === 1, "the stream of one tab to end");
    await Promise.all(tabs.map((tab) => tab.close()));
  });

  test("it goes back to a WebSocket when one comes through again", async () => {
    const proxy = new Mendable(server.url);
    const opened = await open(await proxy.start(), "birds", { clock: true });
    await goesBy(opened, "stream");
    proxy.isMended = true;
    await server.publish("birds", 1);
    await until(async () => {
      await opened.clock.fastForward(5_000);
      return opened.evaluate(() => page.river.transport === "websocket");
    }, "the page to go by WebSocket");
    await server.publish("birds", 2);
    await until(async () => (await heardBy(opened)).length === 2, "the second event");
    assert.deepEqual(await heardBy(opened), [1, 2]);
    const states = await opened.evaluate(() => page.states);
    assert.deepEqual(states.slice(-2), ["connecting", "connected"]);
    await opened.close();
    proxy.end();
  });
});
