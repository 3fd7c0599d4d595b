// A network that is cut, mostly three times, while numbers are published, and what pages behind it got.
import { setTimeout as wait } from "node:timers/promises";
import { cuttingProxy } from "./cutting_proxy.js";
import { back, subscribed, wsAddress } from "./river.js";

// Ten seconds and 300 messages are for `make interop`.
export const CUT_MS = Number(process.env.RIVER_CUT_MS ?? 800);
export const COUNT = Number(process.env.RIVER_CUT_COUNT ?? 75);
// pusher-js before 8.2 gives a transport up after two.
const CUTS = Number(process.env.RIVER_CUTS ?? 3);
const BETWEEN_MS = Number(process.env.RIVER_BETWEEN_MS ?? 3000);

/** Publish numbers to all, evenly, while the network is cut. */
export async function numbersDuringCuts(channels, proxies) {
  const everyMs = (CUTS * (CUT_MS + BETWEEN_MS)) / COUNT;
  const cuts = (async () => {
    for (let n = 0; n < CUTS; n++) {
      await wait(BETWEEN_MS);
      await Promise.all(proxies.map((proxy) => proxy.cut(CUT_MS)));
    }
  })();
  for (let n = 1; n <= COUNT; n++) {
    await Promise.all([...new Set(channels)].map((channel) => back.trigger(channel, "n", n)));
    await wait(everyMs);
  }
  await cuts;
}

/** The numbers in the order in which they came first, and how many came again. */
export function heardOn(channel) {
  const first = [];
  let [again, gaps] = [0, 0];
  channel.bind("n", (n) => {
    if (first.includes(n)) again += 1;
    else first.push(n);
  });
  channel.bind("river:gap", () => (gaps += 1));
  return { first, again: () => again, gaps: () => gaps };
}

/** How often a page has connected since. */
function returnsOf(page) {
  let returns = 0;
  page.connection.bind("connected", () => (returns += 1));
  return () => returns;
}

/** From 1 to COUNT. */
export const numbers = [...Array(COUNT).keys()].map((n) => n + 1);

/** Wait for a condition. */
export const until = async (condition) => {
  while (!condition()) await wait(50);
};

/**
 * What pages of one channel get, each behind a network of its own; `pages` give a page for a port.
 * The last number is published when all are back, so that each page gets it whatever it lost.
 */
export async function threeCuts(channelName, pages) {
  const proxies = await Promise.all(pages.map(() => cuttingProxy(wsAddress.port, wsAddress.host)));
  const open = pages.map((page, index) => page({ wsHost: "127.0.0.1", wsPort: proxies[index].port }));
  const channels = await Promise.all(open.map((page) => subscribed(page, channelName)));
  const returns = open.map(returnsOf);
  const heard = channels.map(heardOn);
  await numbersDuringCuts([channelName], proxies);
  await until(() => channels.every((channel, index) => channel.subscribed && returns[index]() >= CUTS));
  await back.trigger(channelName, "n", COUNT + 1);
  await until(() => heard.every(({ first }) => first.at(-1) === COUNT + 1));
  for (const proxy of proxies) proxy.close();
  return heard.map(({ first, again, gaps }) => ({
    received: first.filter((n) => n <= COUNT).length,
    inOrder: first.every((n, index) => index === 0 || n > first[index - 1]),
    twice: again(),
    gaps: gaps(),
  }));
}
