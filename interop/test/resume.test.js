// Unmodified pusher-js behind a network that is cut: a page that names itself misses nothing (see test_pusher_clients.py).
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { cuttingProxy } from "./cutting_proxy.js";
import { back, client, closeAll, name, next, subscribed, wsAddress } from "./river.js";

// Ten seconds and 300 messages are for a run by hand.
const CUT_MS = Number(process.env.RIVER_CUT_MS ?? 800);
const BETWEEN_MS = Number(process.env.RIVER_BETWEEN_MS ?? 1200);
const COUNT = Number(process.env.RIVER_CUT_COUNT ?? 75);
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

/** Publish numbers to all, evenly, while the network is cut three times. */
async function numbersDuringCuts(channels, proxy, count) {
  const everyMs = (3 * (CUT_MS + BETWEEN_MS)) / count;
  const cuts = (async () => {
    for (let n = 0; n < 3; n++) {
      await wait(BETWEEN_MS);
      await proxy.cut(CUT_MS);
    }
  })();
  for (let n = 1; n <= count; n++) {
    await Promise.all(channels.map((channel) => back.trigger(channel.name, "n", n)));
    await wait(everyMs);
  }
  await cuts;
}

/** The numbers in the order in which they came first, and how many came again. */
function heardOn(channel) {
  const first = [];
  let [again, gaps] = [0, 0];
  channel.bind("n", (n) => {
    if (first.includes(n)) again += 1;
    else first.push(n);
  });
  channel.bind("river:gap", () => (gaps += 1));
  return { first, again: () => again, gaps: () => gaps };
}

const numbersTo = (count) => [...Array(count).keys()].map((n) => n + 1);

const until = async (condition) => {
  while (!condition()) await wait(50);
};

describe("a page that names itself", { concurrency: true }, () => {
  test("three cuts lose nothing on channels of any kind", async () => {
    const { proxy, pusher } = await page();
    const kinds = ["", "private-", "presence-", "private-cache-"];
    const channels = await Promise.all(kinds.map((kind) => subscribed(pusher, kind + name())));
    const heard = channels.map(heardOn);
    await numbersDuringCuts(channels, proxy, COUNT);
    await until(() => heard.every(({ first }) => first.at(-1) === COUNT));
    for (const { first, gaps } of heard) {
      assert.equal(gaps(), 0);
      assert.deepEqual(first, numbersTo(COUNT));
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
    assert.deepEqual(messages, numbersTo(20));
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
