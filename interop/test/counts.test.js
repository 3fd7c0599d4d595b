// Unmodified pusher-js is shown how many subscribe, and who of those it watches is online (see test_pusher_clients.py).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { back, client, closeAll, name, next, subscribed } from "./river.js";

after(closeAll);

/** A page of a user who watches others. */
const watching = (user, watchlist) =>
  client({
    userAuthentication: {
      customHandler: ({ socketId }, call) => call(null, back.authenticateUser(socketId, { id: user, watchlist })),
    },
  });

const counted = (channel, number) =>
  new Promise((done) => {
    channel.bind("pusher:subscription_count", ({ subscription_count }) => subscription_count === number && done());
  });

test("subscribers are shown how many they are", async () => {
  const first = client().subscribe(name());
  await counted(first, 1);
  const two = counted(first, 2);
  const other = client();
  const second = other.subscribe(first.name);
  await Promise.all([two, counted(second, 2)]);
  assert.equal(second.subscriptionCount, 2);
  const one = counted(first, 1);
  other.disconnect();
  await one;
});

test("a user is shown who of its watchlist is online", async () => {
  const [ann, bob] = [name(), name()];
  const page = watching(ann, [bob]);
  const offline = next(page.user.watchlist, "offline");
  page.signin();
  assert.deepEqual((await offline).user_ids, [bob]);
  const online = next(page.user.watchlist, "online");
  const other = watching(bob);
  other.signin();
  assert.deepEqual((await online).user_ids, [bob]);
  const gone = next(page.user.watchlist, "offline");
  other.disconnect();
  assert.deepEqual((await gone).user_ids, [bob]);
});

test("a presence channel has no count", async () => {
  const channel = await subscribed(client(), `presence-${name()}`);
  channel.bind("pusher:subscription_count", () => assert.fail("counted"));
  const event = next(channel, "end");
  await back.trigger(channel.name, "end", {});
  await event;
});
