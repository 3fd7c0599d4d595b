import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import WebSocket from "ws";
import { River } from "../server/river.js";
import { River as Client } from "../src/river.js";
import { Network, Server, unavailable, until } from "./server.js";

describe("a back end of a real server", { skip: unavailable }, () => {
  const server = new Server({ RIVER_HISTORY_SIZE: "1000" });
  /** @type {Network} */
  let network;
  /** @type {River} */
  let river;
  /** A channel that no other test uses. */
  let name = "";
  let number = 0;

  before(() => server.start());
  after(() => server.remove());

  beforeEach(async () => {
    name = `dogs-${++number}`;
    network = new Network(server.apiUrl);
    await network.start();
    river = new River({ url: `http://${network.host}`, key: server.apiKey, deadlineMs: 60_000 });
  });

  afterEach(() => network.end());

  const published = async () => {
    const { publications } = await river.history(name, { limit: 1_000 });
    return publications.map(({ data }) => data);
  };

  test("events are published in order over connections that are kept", async () => {
    for (let index = 1; index <= 20; index++) {
      const { offset } = await river.publish(name, "post", index);
      assert.equal(offset, index);
    }
    assert.equal((await published()).length, 20);
    // The second request may come before the first one's connection is free again.
    assert.ok(network.connections <= 2, `${network.connections} connections`);
  });

  test("a publish whose answer was lost with the connection is published once", async () => {
    network.swallow(2);
    const first = await river.publish(name, "post", "once");
    assert.equal(first.offset, 1);
    assert.deepEqual(await published(), ["once"]);
    assert.ok(network.connections >= 3);
  });

  test("a batch whose answer was lost is published once", async () => {
    network.swallow(1);
    const messages = [1, 2, 3].map((data) => ({ channel: name, event: "post", data }));
    const results = await river.publishBatch([...messages, { channel: "a b", event: "post" }]);
    assert.deepEqual(
      results.map((result) => ("offset" in result ? result.offset : "error" in result)),
      [1, 2, 3, true],
    );
    assert.deepEqual(await published(), [1, 2, 3]);
  });

  test("connections cut at any moment lose nothing and double nothing", async () => {
    const wanted = Array.from({ length: 60 }, (_, index) => index);
    const cutting = setInterval(() => {
      network.cut();
      network.mend();
    }, 7);
    for (const index of wanted) await river.publish(name, "post", index);
    clearInterval(cutting);
    assert.deepEqual(await published(), wanted);
  });

  test("one event in several channels", async () => {
    const positions = await river.publish([name, `${name}-b`], "post", 1);
    assert.deepEqual(
      positions.map(({ offset }) => offset),
      [1, 1],
    );
    await assert.rejects(river.publish([name, "a b"], "post", 1), { code: "channel_invalid" });
    assert.deepEqual(await published(), [1]);
  });

  test("an id of your own is published once, whoever sends it", async () => {
    const first = await river.publish(name, "post", 1, { id: `${name}-7` });
    const second = await river.publish(name, "post", 1, { id: `${name}-7` });
    assert.deepEqual(first, second);
    assert.deepEqual(await published(), [1]);
  });

  test("the past is read from a position", async () => {
    const { epoch } = await river.publish(name, "post", 1);
    await river.publish(name, "post", 2);
    const { publications, offset } = await river.history(name, { after: { epoch, offset: 1 } });
    assert.equal(offset, 2);
    assert.deepEqual(publications, [{ offset: 2, event: "post", data: 2 }]);
    const unknown = river.history(name, { after: { epoch: "another", offset: 1 } });
    await assert.rejects(unknown, { code: "unrecoverable", status: 410 });
  });

  test("a wrong key is refused with the server's code", async () => {
    const stranger = new River({ url: server.apiUrl, key: "another" });
    await assert.rejects(stranger.publish(name, "post"), { code: "api_key_invalid", status: 401 });
  });

  for (const how of ["signed on the spot", "asked for"]) {
    test(`with a token ${how} a user hears, publishes, is seen and is disconnected`, async () => {
      const secret = how === "asked for" ? undefined : server.secret;
      const maker = new River({ url: server.apiUrl, key: server.apiKey, secret });
      const user = `ada-${number}`;
      name = `presence-${name}`;
      const grant = { subscribe: [], channels: [name], publish: [name], info: { color: "red" } };
      const client = new Client({
        host: server.url,
        token: () => maker.token({ user, ttl_s: 60, ...grant }),
        WebSocket: /** @type {any} */ (WebSocket),
      });
      /** @type {unknown[]} */
      const heard = [];
      const channel = client.subscribe(name).bind("post", (data) => heard.push(data));
      await until(() => channel.live, "the channel");
      await maker.publish(name, "post", "of the back end");
      await channel.publish("post", "of the client");
      await until(() => heard.length === 2, "both");
      assert.deepEqual(heard, ["of the back end", "of the client"]);
      assert.deepEqual(await maker.presence(name), {
        count: 1,
        members: [{ user, info: { color: "red" } }],
      });
      const counts = { subscribers: 1, users: 1 };
      assert.deepEqual(await maker.channels(name), { [name]: counts });
      const { epoch, ...state } = await maker.channel(name);
      assert.deepEqual(state, { channel: name, ...counts, offset: 2 });
      assert.equal(typeof epoch, "string");
      await maker.disconnect(user);
      await until(() => client.state === "closed", "the end");
    });
  }

  test("users of any name are disconnected, and nobody else", async () => {
    const backEnd = new River({ url: server.apiUrl, key: server.apiKey, secret: server.secret });
    const users = ["auth0|507f", "github/17", "user+x@é", "another"];
    const clients = users.map((user) => {
      const token = () => backEnd.token({ user });
      const WebSocketClass = /** @type {any} */ (WebSocket);
      return new Client({ host: server.url, token, WebSocket: WebSocketClass });
    });
    await until(() => clients.every(({ state }) => state === "connected"), "all of them");
    for (const user of users.slice(0, -1)) await backEnd.disconnect(user);
    await until(() => clients.slice(0, -1).every(({ state }) => state === "closed"), "the ends");
    assert.equal(clients.at(-1)?.state, "connected");
    clients.at(-1)?.disconnect();
  });

  test("a gateway's address in place of the API's is named", async () => {
    const url = server.url.replace("ws:", "http:");
    const mistaken = new River({ url, key: server.apiKey });
    await assert.rejects(mistaken.publish(name, "post"), {
      code: "unexpected_answer",
      message: /is River's gateway.*RIVER_API_PORT/,
    });
  });

  test("what is published while the API is killed and restarted arrives, once", async () => {
    await river.publish(name, "post", "before");
    await server.end("SIGKILL");
    const during = river.publish(name, "post", "during");
    await assert.rejects(
      new River({ url: server.apiUrl, key: server.apiKey, deadlineMs: 0 }).publish(name, "post"),
      { code: "unreachable", uncertain: false },
    );
    await server.start();
    const { offset } = await during;
    assert.equal(offset, 1);
    assert.deepEqual(await published(), ["during"]);
  });
});
