// Unmodified pusher-js behind a network that is cut: a page that names itself misses nothing (see test_pusher_clients.py).
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { COUNT, CUT_MS, heardOn, numbers, numbersDuringCuts, until } from "./cuts.js";
import { cuttingProxy } from "./cutting_proxy.js";
import { back, client, closeAll, name, next, subscribed, wsAddress } from "./river.js";

const proxies = [];
after(() => {
  closeAll();
  for (const proxy of proxies) proxy.close();
});

const identity = () => `/t/${Date.now().toString(36)}-${randomUUID()}`;

/** A page, and the network before it. */
async function page(options) {
  const proxy = await cuttingProxy(wsAddress.port, wsAddress.host);
  proxies.push(proxy);
  return { proxy, pusher: client({ wsHost: "127.0.0.1", wsPort: proxy.port, wsPath: identity(), ...options }) };
}

describe("a page that names itself", { concurrency: true }, () => {
  test("three cuts lose nothing on channels of any kind", async () => {
    const { proxy, pusher } = await page();
    const kinds = ["", "private-", "presence-", "private-cache-"];
    const kindNames = kinds.map((kind) => kind + name());
    const channels = await Promise.all(kindNames.map((one) => subscribed(pusher, one)));
    const heard = channels.map(heardOn);
    await numbersDuringCuts(kindNames, [proxy]);
    await until(() => heard.every(({ first }) => first.at(-1) === COUNT));
    for (const { first, gaps } of heard) {
      assert.equal(gaps(), 0);
      assert.deepEqual(first, numbers);
    }
    const again = heard.map((one) => one.again());
    console.log(`of ${4 * COUNT} messages ${again.reduce((sum, one) => sum + one)} came twice`);
  });

  test("what a user is sent is not lost, with an auth endpoint that takes its time", async () => {
    const user = randomUUID();
    const slowly = (answer) => (asked, call) => setTimeout(() => call(null, answer(asked)), 2000);
    const { proxy, pusher } = await page({
      channelAuthorization: { customHandler: slowly(({ socketId, channelName }) => back.authorizeChannel(socketId, channelName)) },
      userAuthentication: { customHandler: slowly(({ socketId }) => back.authenticateUser(socketId, { id: user })) },
    });
    const channel = await subscribed(pusher, `private-${name()}`);
    const heard = heardOn(channel);
    const messages = [];
    pusher.user.bind("n", (n) => messages.includes(n) || messages.push(n));
    pusher.signin();
    // Until the user's own channel is there, nobody knows where it begins.
    while (!messages.length) {
      await back.sendToUser(user, "n", 1);
      await wait(100);
    }
    const cut = proxy.cut(CUT_MS);
    for (let n = 2; n <= 20; n++) {
      await back.sendToUser(user, "n", n);
      await back.trigger(channel.name, "n", n);
    }
    await cut;
    await until(() => messages.length === 20 && heard.first.length === 19);
    assert.deepEqual(messages, numbers.slice(0, 20));
  });

  test("what a page left is not sent to it again", async () => {
    const { proxy, pusher } = await page();
    const channel = await subscribed(pusher, name());
    await back.trigger(channel.name, "n", 1);
    pusher.unsubscribe(channel.name);
    const other = await subscribed(pusher, name());
    await back.trigger(channel.name, "n", 2);
    await proxy.cut(CUT_MS);
    await next(pusher.connection, "connected");
    const again = await subscribed(pusher, channel.name);
    const heard = heardOn(again);
    await back.trigger(channel.name, "n", 3);
    await until(() => heard.first.length > 0);
    assert.deepEqual(heard.first, [3]);
    assert.ok(other.subscribed);
  });

  test("a page of which nothing is known any more is sent a gap", async () => {
    const before = Date.now() - 120_000;
    const { pusher } = await page({ wsPath: `/t/${before.toString(36)}-${randomUUID()}` });
    const channel = pusher.subscribe(name());
    await next(channel, "river:gap");
  });

  test("a path that names no page is refused for good", async () => {
    const { pusher } = await page({ wsPath: "/t/me" });
    const { error } = await next(pusher.connection, "error");
    assert.equal(error?.data?.code, 4005);
  });
});
