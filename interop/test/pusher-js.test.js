// Unmodified pusher-js and Pusher's library for Node, against the River of RIVER_PUSHER (see test_pusher_clients.py).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { back, client, closeAll, name, next, subscribed } from "./river.js";

after(closeAll);

test("an event of the back end reaches a page", async () => {
  const channel = await subscribed(client(), name());
  const event = next(channel, "post");
  assert.equal((await back.trigger(channel.name, "post", { text: "Grüße 😀" })).status, 200);
  assert.deepEqual(await event, { text: "Grüße 😀" });
});

test("texts arrive as they were sent", async () => {
  const channel = await subscribed(client(), name());
  for (const text of ["", "plain", "01", "not { JSON"]) {
    const event = next(channel, "post");
    await back.trigger(channel.name, "post", text);
    assert.equal(await event, text);
  }
});

test("a batch arrives in order", async () => {
  const channel = await subscribed(client(), name());
  const heard = [];
  channel.bind("n", (data) => heard.push(data));
  const last = next(channel, "last");
  const batch = [1, 2, 3].map((n) => ({ channel: channel.name, name: "n", data: n }));
  await back.triggerBatch([...batch, { channel: channel.name, name: "last", data: {} }]);
  await last;
  assert.deepEqual(heard, [1, 2, 3]);
});

test("the socket that is excluded gets nothing", async () => {
  const [one, two] = [client(), client()];
  const mine = await subscribed(one, name());
  const others = await subscribed(two, mine.name);
  let heard = 0;
  mine.bind("post", () => (heard += 1));
  const event = next(others, "post");
  const end = next(mine, "end");
  await back.trigger(mine.name, "post", {}, { socket_id: one.connection.socket_id });
  await event;
  await back.trigger(mine.name, "end", {});
  await end;
  assert.equal(heard, 0);
});

test("a private channel opens with a signature only", async () => {
  await subscribed(client(), `private-${name()}`);
  const stranger = client({ channelAuthorization: { customHandler: (_, call) => call(null, { auth: "x:00" }) } });
  const channel = stranger.subscribe(`private-${name()}`);
  const { type, status } = await next(channel, "pusher:subscription_error");
  assert.deepEqual({ type, status }, { type: "AuthError", status: 401 });
});

test("members come and go", async () => {
  const channel = await subscribed(client({ user: "ann" }), `presence-${name()}`);
  assert.deepEqual(channel.members.me, { id: "ann", info: { name: "ann" } });
  const added = next(channel, "pusher:member_added");
  const bob = client({ user: "bob" });
  const other = await subscribed(bob, channel.name);
  assert.equal(other.members.count, 2);
  assert.deepEqual(await added, { id: "bob", info: { name: "bob" } });
  const removed = next(channel, "pusher:member_removed");
  bob.disconnect();
  assert.equal((await removed).id, "bob");
  assert.equal(channel.members.count, 1);
});

test("client events reach the others, with the user on a presence channel", async () => {
  const room = `presence-${name()}`;
  const ann = await subscribed(client({ user: "ann" }), room);
  const bob = await subscribed(client({ user: "bob" }), room);
  const event = new Promise((done) => bob.bind("client-move", (data, meta) => done([data, meta])));
  ann.bind("client-move", () => assert.fail("echoed"));
  ann.trigger("client-move", { x: 1 });
  assert.deepEqual(await event, [{ x: 1 }, { user_id: "ann" }]);
});

test("an encrypted channel is opened by the page alone", async () => {
  const channel = await subscribed(client(), `private-encrypted-${name()}`);
  const event = next(channel, "post");
  await back.trigger(channel.name, "post", { secret: 1 });
  assert.deepEqual(await event, { secret: 1 });
});

test("a cache channel has its last event for who comes later", async () => {
  const room = `cache-${name()}`;
  const early = client().subscribe(room);
  await next(early, "pusher:cache_miss");
  const event = next(early, "state");
  await back.trigger(room, "state", { n: 1 });
  await event;
  const late = client().subscribe(room);
  assert.deepEqual(await next(late, "state"), { n: 1 });
});

test("a user who has signed in gets what is sent to it, and can be ended", async () => {
  const user = name();
  const pusher = client({ user });
  pusher.signin();
  await pusher.user.signinDonePromise;
  await new Promise((done) => {
    const wait = setInterval(() => pusher.user.serverToUserChannel?.subscribed && done(clearInterval(wait)), 5);
  });
  const event = next(pusher.user, "note");
  await back.sendToUser(user, "note", { hello: 1 });
  assert.deepEqual(await event, { hello: 1 });
  const ended = next(pusher.connection, "disconnected");
  await back.terminateUserConnections(user);
  await ended;
});

test("channels can be looked at", async () => {
  const channel = await subscribed(client({ user: "ann" }), `presence-${name()}`);
  const state = async (path, params) => (await back.get({ path, params })).json();
  const info = "user_count,subscription_count";
  // The count is reported by the gateway a moment later.
  let found = {};
  while (!found.occupied) found = await state(`/channels/${channel.name}`, { info });
  assert.deepEqual(found, { occupied: true, user_count: 1, subscription_count: 1 });
  assert.deepEqual(await state(`/channels/${channel.name}/users`), { users: [{ id: "ann" }] });
  const all = await state("/channels", { filter_by_prefix: channel.name });
  assert.deepEqual(all, { channels: { [channel.name]: {} } });
});

test("a wrong key keeps a page away for good", async () => {
  const pusher = client({ key: "nobodys-key" });
  const failed = next(pusher.connection, "error");
  await next(pusher.connection, "disconnected");
  assert.equal((await failed).error.data.code, 4001);
});
