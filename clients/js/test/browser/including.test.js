import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { after, before, beforeEach, describe, test } from "node:test";
import { pieces } from "../pages.js";
import { Network, Server, until } from "../server.js";
import { Stage, skip } from "./stage.js";

const SNIPPETS = (await pieces()).filter(
  ({ language, code }) => language === "html" && code.includes("/client/river.js"),
);

describe("a page that includes the client", { skip }, () => {
  const stage = new Stage();
  const server = new Server();
  /** @type {import("playwright-core").BrowserContext} */
  let context;
  /** @type {string[]} */
  let said;

  before(async () => {
    await Promise.all([stage.start(), server.start()]);
    stage.pages["/river-token"] = await server.token("ada", { subscribe: ["dogs"] });
  });
  after(() => Promise.all([stage.end(), server.remove()]));

  beforeEach(async () => {
    context = await stage.context();
    said = [];
  });

  /** @param {string} url */
  async function open(url) {
    const opened = await context.newPage();
    opened.on("console", (message) => said.push(`${message.type()} ${message.text()}`));
    await opened.goto(url);
    return opened;
  }

  assert.ok(SNIPPETS.length > 0);
  for (const { place, code } of SNIPPETS)
    test(`${place} works when the gateway comes after the page`, async () => {
      const network = new Network(server.url);
      await network.start();
      network.cut();
      stage.pages["/page"] =
        `<!doctype html>${code.replace(/localhost:8000|127.0.0.1:8000/, network.host)}`;
      await open(`${stage.origin}/page`);
      await until(() => said.some((line) => line.includes("ERR_")), "the import to fail");
      network.mend();
      await until(async () => {
        await server.publish("dogs", { text: "Hello" });
        return said.includes("log Hello");
      }, "an event");
      await context.close();
      network.end();
    });

  test("behind a proxy at a path it finds River by its own address, and by that path", async () => {
    const proxy = await atPath("/rt", server.url, stage.pages["/river-token"] ?? "");
    const opened = await open(`${proxy.origin}/page`);
    const states = await opened.evaluate(async () => {
      const { River } = await import(/** @type {any} */ ("/rt/client/river.js"));
      const token = () => fetch("/river-token");
      const rivers = [new River({ token }), new River({ host: "/rt", token })];
      const connected = rivers.map(
        (river) =>
          new Promise((resolve) => {
            river.on("state", (/** @type {any} */ { state }) => resolve(state));
          }),
      );
      const all = await Promise.all(connected);
      for (const river of rivers) river.disconnect();
      return all;
    });
    assert.deepEqual(states, ["connected", "connected"]);
    await context.close();
    proxy.end();
  });

  test("the client is one compressed file, also under the name of an older version", async () => {
    const opened = await open(stage.origin);
    /** @type {import("playwright-core").Response[]} */
    const responses = [];
    opened.on("response", (response) => responses.push(response));
    for (const name of ["river", "river-0.0.1"]) {
      const state = await opened.evaluate(async (from) => {
        const { River } = await import(from);
        const river = new River({ token: () => fetch("/river-token") });
        const { state } = await new Promise((resolve) => river.on("state", resolve));
        river.disconnect();
        return state;
      }, `${server.url}/client/${name}.js`);
      assert.equal(state, "connected");
    }
    const files = responses.filter((one) => one.url().includes("/client/"));
    // After these the browser takes what it has, and asks beside it.
    assert.deepEqual(
      files.slice(0, 2).map((one) => [one.status(), new URL(one.url()).pathname]),
      [
        [200, "/client/river.js"],
        [302, "/client/river-0.0.1.js"],
      ],
    );
    assert.equal((await files[0]?.allHeaders())?.["content-encoding"], "br");
    await context.close();
  });

  test("the gateway's file prints what happens where everybody sees it", async () => {
    const opened = await open(stage.origin);
    await opened.evaluate(async (host) => {
      const { River } = await import(`${host}/client/river.js`);
      const river = new River({ host, token: () => fetch("/river-token"), hots: 1 });
      river.debug();
      river.subscribe("dogs").on("post", (/** @type {any} */ post) => console.log(post));
      river.subscribe("private-cats");
      river.subscribe("no name");
    }, server.url);
    await until(async () => {
      await server.publish("dogs", "Hello");
      return said.includes("log Hello");
    }, "an event");
    assert.ok(said.some((line) => line.startsWith("log river received")));
    // The advice is in a second file.
    const warnings = () => said.filter((line) => line.startsWith("warning")).sort();
    await until(() => warnings().length === 3, "three warnings");
    assert.match(String(warnings()[0]), /channel "no name" refused: .*Choose another name/);
    assert.match(String(warnings()[1]), /channel "private-cats" refused: .*Grant it in the token/);
    assert.match(String(warnings()[2]), /no option "hots": did you mean "host"\?/);
    await context.close();
  });
});

/**
 * A web server with a page, that hands on what is below a path, without it.
 *
 * @param {string} path
 * @param {string} url
 * @param {string} token
 */
async function atPath(path, url, token) {
  const { hostname, port } = new URL(url);
  const http = createServer((incoming, answer) => {
    if (!incoming.url?.startsWith(path)) {
      answer.setHeader("content-type", "text/html");
      return answer.end(incoming.url === "/river-token" ? token : "<!doctype html>");
    }
    const target = { hostname, port, path: incoming.url.slice(path.length) };
    return request(target, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    }).end();
  });
  http.on("upgrade", (incoming, client) => {
    const server = connect(Number(port), hostname);
    const headers = incoming.rawHeaders.flatMap((name, at, all) =>
      at % 2 ? [] : [`${name}: ${all[at + 1]}`],
    );
    const first = `GET ${incoming.url?.slice(path.length)} HTTP/1.1`;
    server.write(`${[first, ...headers].join("\r\n")}\r\n\r\n`);
    for (const socket of [client, server]) socket.on("error", () => {});
    client.pipe(server).pipe(client);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return {
    origin: `http://127.0.0.1:${address.port}`,
    end: () => {
      http.closeAllConnections();
      http.close();
    },
  };
}
