import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import WebSocket from "ws";
import { HttpSocket, PollSocket } from "../src/http-socket.js";
import { River } from "../src/river.js";
import { Network, Server, unavailable, until } from "./server.js";

/** Ways to reach the server; slow tests, and those of sockets, go one way. */
const WAYS = Object.entries({ websocket: WebSocket, stream: HttpSocket, poll: PollSocket });

for (const [way, Socket] of WAYS)
  describe(`against a real server by ${way}`, { skip: unavailable }, () => {
    const once = { skip: way === "websocket" ? false : "by WebSocket is enough" };
    const server = new Server();
    /** @type {Network} */
    let network;
    /** @type {River[]} */
    let rivers;
    /** @type {any[]} */
    let heard;
    /** A channel that no other test uses. */
    let name = "";
    let number = 0;

    before(() => server.start());
    after(() => server.remove());

    beforeEach(async () => {
      rivers = [];
      heard = [];
      name = `dogs-${++number}`;
      network = new Network(server.url);
      await network.start();
    });

    afterEach(() => {
      for (const river of rivers) river.disconnect();
      network.end();
    });

    /**
     * A client behind the network that can be cut.
     *
     * @param {Partial<import("../src/river.js").Options>} [options]
     */
    function make(options) {
      const river = new River({
        host: network.host,
        token: () => server.token("ada", { publish: ["*"], subscribe: ["*"] }),
        WebSocket: /** @type {any} */ (Socket),
        ...options,
      });
      rivers.push(river);
      return river;
    }

    /**
     * A channel that is live, whose posts are heard.
     *
     * @param {River} river
     * @param {import("../src/river.js").SubscribeOptions} [options]
     */
    async function live(river, options) {
      const channel = river.subscribe(name, options).bind("post", (data) => heard.push(data));
      await until(() => channel.live, `${name} to be live`);
      return channel;
    }

    /** @param {number} count */
    const hears = (count) => until(() => heard.length >= count, `${count} events, not ${heard}`);

    test("what is published by HTTP arrives in order, with its position", async () => {
      const channel = await live(make());
      await server.publish(name, 1, { text: "two" }, [3]);
      await hears(3);
      assert.deepEqual(heard, [1, { text: "two" }, [3]]);
      const { position } = channel;
      assert.deepEqual(position, await server.api(`/channels/${name}`).then(positionOf));
      assert.equal(rivers[0]?.transport, way);
    });

    test("what was missed while the network was cut arrives after it, once", async () => {
      const river = make();
      const channel = await live(river);
      /** @type {boolean[]} */
      const recovered = [];
      channel.bind("river:subscribed", (detail) => recovered.push(detail.recovered));
      await server.publish(name, 1);
      await hears(1);
      /** @type {string[]} */
      const reasons = [];
      river.on("state", ({ reason }) => reasons.push(reason));
      network.cut();
      await until(() => river.state === "waiting", "the loss to be noticed");
      assert.equal(reasons[0], "the connection was lost");
      await server.publish(name, 2, 3, 4);
      network.mend();
      await hears(4);
      await server.publish(name, 5);
      await hears(5);
      assert.deepEqual(heard, [1, 2, 3, 4, 5]);
      assert.deepEqual(recovered, [true]);
    });

    test("what is published to the user arrives, and what was missed, once", async () => {
      const river = make();
      river.me.bind("note", (data) => heard.push(data));
      /** @param {number[]} data */
      const publish = async (...data) => {
        for (const one of data)
          await server.api("/users/ada/publish", { event: "note", data: one });
      };
      await until(() => river.me.live, "the user's channel to be live");
      await publish(1);
      await hears(1);
      network.cut();
      await until(() => river.state === "waiting", "the loss to be noticed");
      await publish(2, 3);
      network.mend();
      await hears(3);
      // Another stream takes over from the one before.
      await live(river);
      await publish(4);
      await hears(4);
      assert.deepEqual(heard, [1, 2, 3, 4]);
    });

    test("cuts amid a stream of events lose none and double none", once, async () => {
      await live(make());
      for (let round = 0; round < 4; round++) {
        const posts = Array.from({ length: 15 }, (_, index) => round * 15 + index);
        await server.publish(name, ...posts.slice(0, 5));
        network.cut();
        await server.publish(name, ...posts.slice(5));
        network.mend();
        await hears(posts.length * (round + 1));
      }
      assert.deepEqual(
        heard,
        Array.from({ length: 60 }, (_, index) => index),
      );
      assert.ok(network.connections > 4);
    });

    test("when more was missed than the log holds the application is told", async () => {
      const channel = await live(make());
      /** @type {string[]} */
      const gaps = [];
      channel.bind("river:gap", ({ reason }) => gaps.push(reason));
      await server.publish(name, 0);
      await hears(1);
      network.cut();
      await until(() => !channel.live, "the loss to be noticed");
      await server.publish(name, ...Array.from({ length: 30 }, (_, index) => index));
      network.mend();
      await until(() => gaps.length > 0, "the gap");
      await server.publish(name, "after");
      await hears(2);
      assert.deepEqual(heard, [0, "after"]);
      assert.deepEqual(gaps, ["window"]);
    });

    test("a snapshot and what follows it fit together", async () => {
      await server.publish(name, 1, 2);
      const channel = await live(make(), {
        history: 2,
        snapshot: async () => {
          await server.publish(name, 3);
          const position = await server.api(`/channels/${name}`).then(positionOf);
          await server.publish(name, 4);
          heard.push("the state up to 3");
          return position;
        },
      });
      await hears(2);
      assert.deepEqual(heard, ["the state up to 3", 4]);
      assert.equal(channel.position?.offset, 4);
    });

    test("the past comes on subscribing, and by asking for it", async () => {
      await server.publish(name, 1, 2, 3);
      const channel = await live(make(), { history: 2 });
      await hears(2);
      assert.deepEqual(heard, [2, 3]);
      const { epoch, publications } = await channel.history({ limit: 5 });
      assert.deepEqual(
        publications.map(({ data }) => data),
        [1, 2, 3],
      );
      const later = await channel.history({ after: { epoch, offset: 2 } });
      assert.deepEqual(
        later.publications.map(({ event, data, offset }) => [event, data, offset]),
        [["post", 3, 3]],
      );
      const unknown = channel.history({ after: { epoch: "another", offset: 1 } });
      await assert.rejects(unknown, { code: "unrecoverable" });
    });

    test("a page may begin where it was rendered", once, async () => {
      await server.publish(name, 1, 2, 3);
      const { epoch } = await server.api(`/channels/${name}`).then(positionOf);
      await live(make(), { since: { epoch, offset: 1 } });
      await hears(2);
      assert.deepEqual(heard, [2, 3]);
    });

    test("presence is a live list of users", {
      skip: way === "poll" && "who polls stays for 10 s",
    }, async () => {
      name = `presence-${name}`;
      const info = { color: "red" };
      const ada = await live(make());
      ada.bind("river:joined", ({ user }) => heard.push(["joined", user]));
      ada.bind("river:left", ({ user }) => heard.push(["left", user]));
      assert.deepEqual([...ada.presence.members.keys()], ["ada"]);
      const token = () => server.token("bob", { info });
      const bob = make({ token });
      const seen = await live(bob);
      await hears(1);
      assert.deepEqual(ada.presence.members.get("bob"), info);
      assert.equal(ada.presence.count, 2);
      assert.deepEqual([...seen.presence.members.keys()].sort(), ["ada", "bob"]);
      bob.disconnect();
      await hears(2);
      assert.deepEqual(heard, [
        ["joined", "bob"],
        ["left", "bob"],
      ]);
      assert.equal(ada.presence.count, 1);
    });

    test("a client with a grant publishes, and its name stands on the event", async () => {
      const river = make();
      const channel = await live(river);
      channel.bind("typing", (data, { user, offset }) => heard.push([data, user, offset]));
      await until(() => river.state === "connected", "the connection");
      const position = await channel.publish("typing", { thread: 7 });
      await hears(1);
      assert.deepEqual(heard, [[{ thread: 7 }, "ada", position.offset]]);
    });

    test("a client without a grant is refused, for channels and for publishes", async () => {
      const river = make({ token: await server.token("eve") });
      const secret = river.subscribe(`private-${name}`);
      secret.bind("river:error", ({ code }) => heard.push(code));
      await hears(1);
      assert.deepEqual(heard, ["forbidden"]);
      await assert.rejects(river.publish(name, "post", 1), { code: "forbidden" });
      assert.equal(river.state, "connected");
    });

    test("publishes wait for a connection where that was agreed", async () => {
      const listener = make({ host: server.url });
      await live(listener);
      network.cut();
      const river = make({ queue: 2 });
      const published = [river.publish(name, "post", 1), river.publish(name, "post", 2)];
      await assert.rejects(river.publish(name, "post", 3), { code: "queue_full" });
      network.mend();
      const positions = await Promise.all(published);
      await hears(2);
      assert.deepEqual(heard, [1, 2]);
      assert.deepEqual(
        positions.map(({ offset }) => offset),
        [1, 2],
      );
    });

    test(
      "a token is renewed on the same connection as long as the function gives one",
      once,
      async () => {
        let asked = 0;
        const river = make({
          token: () => {
            asked += 1;
            return server.token("ada", { ttl_s: 2 });
          },
        });
        await live(river);
        river.on("state", ({ state }) => heard.push(state));
        await until(() => asked === 5, "the fifth token");
        assert.equal(network.connections, 1);
        assert.deepEqual(heard, []);
      },
    );

    test("a fixed token that runs out closes the client, and says so", once, async () => {
      const river = make({ token: await server.token("ada", { ttl_s: 1 }) });
      river.on("state", (status) => heard.push(status));
      await until(() => river.state === "closed", "the end of the token");
      assert.match(river.reason, /expired/);
      assert.equal(heard.at(-1).error?.code, "token_expired");
    });

    test("after a refused token the function is asked for another", async () => {
      const tokens = ["garbage", await server.token("ada")];
      const river = make({ token: () => /** @type {string} */ (tokens.shift()) });
      await live(river);
      assert.deepEqual(tokens, []);
      assert.equal(river.user, "ada");
    });

    test("a user whom the back end disconnects stays away", once, async () => {
      const river = make({ token: () => server.token("mallory") });
      await live(river);
      await server.api("/users/mallory/disconnect", {});
      await until(() => river.state === "closed", "the disconnect");
      assert.equal(network.connections, 1);
      river.connect();
      await until(() => river.state === "connected", "the connection that was asked for");
    });

    test("leaving and coming back at once leaves the channel live", async () => {
      const river = make();
      await live(river);
      for (let round = 0; round < 5; round++) {
        river.unsubscribe(name);
        river.subscribe(name).bind("post", (data) => heard.push(data));
      }
      const channel = river.subscribe(name);
      await until(() => channel.live, "the channel");
      await server.publish(name, 1);
      await hears(1);
      assert.deepEqual(heard, [1]);
    });

    test("a server that is restarted with an empty log is a gap, not a silence", once, async () => {
      const river = make();
      const channel = await live(river);
      channel.bind("river:gap", ({ reason }) => heard.push(reason));
      await server.publish(name, 1);
      await hears(1);
      await server.end("SIGTERM");
      await until(() => river.state === "waiting", "the end of the server");
      await server.start();
      await until(() => channel.live, "the channel");
      await server.publish(name, 2);
      await hears(3);
      assert.deepEqual(heard, [1, "epoch", 2]);
    });
  });

/**
 * The position in the answer of `GET /channels/C`.
 *
 * @param {any} answer
 * @returns {import("../src/channel.js").Position}
 */
function positionOf({ epoch, offset }) {
  return { epoch, offset };
}
