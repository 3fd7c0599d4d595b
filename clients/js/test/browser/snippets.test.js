import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import jwt from "jsonwebtoken";
import WebSocket from "ws";
import { River as BackEnd } from "../../server/river.js";
import { River } from "../../src/river.js";
import { body, pieces } from "../pages.js";
import { Network, Server, until } from "../server.js";
import { Stage, skip } from "./stage.js";

/**
 * @typedef {import("../pages.js").Piece} Piece
 * @typedef {import("playwright-core").Page} Page
 */

/** What the page's scripts put on its global object. */
const page = /** @type {any} */ (globalThis);

const ALL = await pieces();
const isForNode = (/** @type {Piece} */ { code }) => /process\.env|import WebSocket/.test(code);
/** The functions of the application that the code calls. */
const CALLED = ["show", "draw", "addPost", "showPosts", "count"];
/** More than the log holds. */
const TOO_MANY = 30;

describe("the code in the pages", { skip }, () => {
  const stage = new Stage();
  const guests = { match: "score-*", access: "guest", keep_last: true, client_publish: false };
  const server = new Server({ RIVER_CHANNEL_RULES: JSON.stringify([guests]) });
  /** @type {Network} */
  let network;
  /** @type {import("playwright-core").BrowserContext} */
  let context;
  /** @type {string[]} */
  let said;
  const rights = { publish: ["*"], subscribe: ["*"] };

  before(async () => {
    await Promise.all([stage.start(), server.start()]);
    stage.pages["/river-token"] = await server.token("ada", rights);
    stage.pages["/board/dogs.json"] = "[]";
  });

  after(() => Promise.all([stage.end(), server.remove()]));

  beforeEach(async () => {
    network = new Network(server.url);
    await network.start();
    context = await stage.context();
    said = [];
    const { epoch, offset } = await server.api("/channels/dogs");
    stage.pages["/posts.json"] = JSON.stringify({ posts: [], position: { epoch, offset } });
  });

  afterEach(async () => {
    await context.close();
    network.end();
  });

  /** @param {string} html */
  async function open(html) {
    stage.pages["/piece"] = html.replaceAll(
      /http:\/\/(localhost|127\.0\.0\.1):8000/g,
      `http://${network.host}`,
    );
    const opened = await context.newPage();
    await opened.addInitScript(() => Object.assign(globalThis, { page: globalThis }));
    opened.on("console", (message) => {
      if (message.type() === "log") said.push(message.text());
    });
    opened.on("pageerror", (error) => said.push(`uncaught: ${error}`));
    await opened.goto(`${stage.origin}/piece`);
    return opened;
  }

  for (const piece of ALL.filter(({ language }) => language === "html")) {
    test(`${piece.place} logs what is posted`, async () => {
      await open(`<!doctype html>${piece.code}`);
      await until(async () => {
        await server.publish("dogs", { text: "Hello" });
        return said.includes("Hello");
      }, "the post");
      assert.deepEqual([...new Set(said)], ["Hello"]);
    });
  }

  for (const piece of ALL.filter((one) => one.language === "js" && !isForNode(one))) {
    test(`${piece.place} does what it says in a browser`, async () => {
      const opened = await open(stageFor(piece.code));
      await until(() => opened.evaluate(() => page.done), "the code to end");
      const channel = piece.code.match(/subscribe\("([^"]+)"/)?.[1] ?? "dogs";
      const other = new River({
        host: server.url,
        token: await server.token("bob", rights),
        WebSocket: /** @type {any} */ (WebSocket),
      });
      const theirs = other.subscribe(channel);
      await until(() => theirs.live, "another user");
      const count = async () => (await server.api(`/channels/${channel}`)).subscribers;
      await until(async () => (await count()) > 1, `${channel} in the page`);
      for (const [, event] of piece.code.matchAll(/(?:bind|on)\("(\w+)"/g))
        await server.api("/publish", { channel, event, data: { id: 1, text: "Hello" } });
      if (piece.code.includes("river:gap")) await gap(opened, channel);
      other.disconnect();
      for (const name of CALLED.filter((one) => new RegExp(`\\b${one}\\b[,(]`).test(piece.code)))
        await until(() => opened.evaluate((asked) => page.called[asked], name), `${name}()`);
      assert.deepEqual(
        said.filter((line) => line.startsWith("uncaught")),
        [],
      );
    });
  }

  /**
   * Have more happen than the log holds while the page has no network.
   *
   * @param {Page} opened
   * @param {string} channel
   */
  async function gap(opened, channel) {
    network.cut();
    await server.publish(channel, ...new Array(TOO_MANY).fill({ id: 2, text: "More" }));
    network.mend();
    const told = () => page.called.reload || page.called.showPosts;
    await until(() => opened.evaluate(told), "the gap to be acted on");
  }

  for (const piece of ALL.filter(isForNode)) {
    test(`${piece.place} does what it says in Node`, async () => {
      const { url, apiUrl, apiKey, secret } = server;
      const code = body(piece.code)
        .replaceAll("http://127.0.0.1:8001", apiUrl)
        .replaceAll("localhost:8000", url)
        .replace("new River({ host", "made = new River({ host");
      const process = { env: { RIVER_API_KEY: apiKey, RIVER_SECRETS: secret } };
      /** @type {((request: object, response: object) => Promise<void>)[]} */
      const routes = [];
      const app = {
        get: (/** @type {string} */ _, /** @type {any} */ route) => routes.push(route),
      };
      const given = {
        River: /server"/.test(piece.code) ? BackEnd : River,
        WebSocket,
        jwt,
        process,
        app,
        token: stage.pages["/river-token"],
      };
      const end = `return { made, sign: typeof riverToken === "undefined" ? null : riverToken };`;
      const run = new Function(
        ...Object.keys(given),
        `let made; return (async () => {${code}\n${end}})()`,
      );
      const { made, sign } = await run(...Object.values(given));
      if (made) await until(() => made.state === "connected", "the client");
      made?.disconnect();
      /** @type {string[]} */
      const tokens = sign ? [sign("ada")] : [];
      for (const route of routes)
        await route(
          { session: { user: "ada" } },
          { send: (/** @type {string} */ text) => tokens.push(text) },
        );
      for (const token of tokens) assert.equal(jwt.verify(token, secret).sub, "ada");
      if (piece.code.includes(".publish(")) {
        const { publications } = await server.api("/channels/dogs/history");
        assert.match(publications.at(-1).data.text, /hello/i);
      }
    });
  }

  /**
   * A page with everything that a piece of code takes for granted.
   *
   * @param {string} code
   */
  function stageFor(code) {
    return `<!doctype html><script type="module">
      import { River } from "http://localhost:8000/client/river.js";
      import { sharedSocket } from "http://localhost:8000/client/tabs.js";
      window.called = {};
      const [host, userId, epoch, offset] = ["${network.host}", "ada", undefined, undefined];
      const token = async () => (await fetch("/river-token")).text();
      const calls = (name) => () => { window.called[name] = true; };
      const [${CALLED.join(", ")}] = ${JSON.stringify(CALLED)}.map(calls);
      const location = { reload: calls("reload") };
      const river = new River({ host, token });
      const dogs = ${code.includes('subscribe("dogs"')} ? null : river.subscribe("dogs");
      await new Promise((resolve) => {
        river.on("state", ({ state }) => { if (state === "connected") resolve(); });
      });
      // Whoever leaves at the end of a piece of code does so after it was seen to work.
      river.unsubscribe = () => {};
      {
        ${body(code)}
      }
      window.done = true;
    </script>`;
  }
});
