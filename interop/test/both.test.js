// One script, once with unmodified pusher-js and once with river-realtime/pusher: the page sees the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import Echo from "laravel-echo";
import { cuttingProxy } from "./cutting_proxy.js";
import * as native from "./native.js";
import { back, name, next, subscribed, wsAddress } from "./river.js";
import { fence, same } from "./same.js";

test("a connection has its states, and a name", () =>
  same(
    async (client, see) => {
      const pusher = client();
      see(pusher.connection.state);
      pusher.connection.bind("state_change", ({ previous, current }) => see(previous, current));
      pusher.connection.bind_global((event, data) => event !== "state_change" && see(event, typeof data));
      const { socket_id } = await next(pusher.connection, "connected");
      see(/^\d+\.\d+$/.test(socket_id), socket_id === pusher.connection.socket_id);
      const ended = next(pusher.connection, "disconnected");
      pusher.disconnect();
      await ended;
      const again = next(pusher.connection, "connected");
      pusher.connect();
      await again;
    },
    [
      ["connecting"],
      ["connecting", "connected"],
      ["connected", "object"],
      [true, true],
      ["connected", "disconnected"],
      ["disconnected", "undefined"],
      ["disconnected", "connecting"],
      ["connecting", "undefined"],
      ["connecting", "connected"],
      ["connected", "object"],
    ],
  ));

test("events come to the channel and to the page, by name and all of them", () =>
  same(
    async (client, see) => {
      const pusher = client();
      const channel = pusher.subscribe(name());
      see(channel === pusher.channel(channel.name), pusher.allChannels().length, channel.subscribed);
      channel.bind("pusher:subscription_succeeded", (...args) => see("succeeded", args));
      await next(channel, "pusher:subscription_succeeded");
      see(channel.subscribed, channel.subscriptionPending);
      channel.bind("post", (...args) => see("channel", args));
      pusher.bind("post", (...args) => see("page", args));
      const globally = (event, data) => event !== "end" && see("global", event, data);
      pusher.bind_global(globally);
      channel.bind_global((event, data) => event !== "end" && see("all of the channel", event, data));
      for (const data of [{ text: "Grüße 😀" }, "", "plain", "01", "not { JSON", [1], 0])
        await back.trigger(channel.name, "post", data);
      await fence(channel);
    },
    [
      [true, 1, false],
      ["succeeded", [{}]],
      [true, false],
      ...[{ text: "Grüße 😀" }, "", "plain", "01", "not { JSON", [1], 0].flatMap((data) => [
        ["all of the channel", "post", data],
        ["channel", [data, {}]],
        ["global", "post", data],
        ["page", data ? [data] : []],
      ]),
    ],
  ));

test("what was unbound is not called, and a channel that was left is silent", () =>
  same(
    async (client, see) => {
      const pusher = client();
      const channel = await subscribed(pusher, name());
      const context = { is: "the context" };
      const one = () => see("one");
      const two = function () {
        see("two", this.is);
      };
      channel.bind("a", one).bind("a", two, context).bind("b", one).bind("b", one);
      const send = async () => {
        for (const event of ["a", "b"]) await back.trigger(channel.name, event, {});
        await fence(channel);
      };
      await send();
      see("unbind");
      channel.unbind("a", one).unbind("b");
      await send();
      see("unbind the context");
      channel.unbind(undefined, undefined, context).bind_global((event) => see("global", event));
      await send();
      channel.unbind_all();
      pusher.bind_global((event) => see("page", event));
      await send();
      pusher.unbind_all();
      pusher.unsubscribe(channel.name);
      see(pusher.channel(channel.name) === undefined, channel.subscribed, pusher.allChannels().length);
      channel.bind_global(() => see("left"));
      const other = await subscribed(pusher, name());
      await back.trigger(channel.name, "a", {});
      await fence(other);
      see((await subscribed(pusher, channel.name)) !== channel);
    },
    [
      ["one"],
      ["two", "the context"],
      ["one"],
      ["one"],
      ["unbind"],
      ["two", "the context"],
      ["unbind the context"],
      ["global", "a"],
      ["global", "b"],
      ["global", "end"],
      ["page", "a"],
      ["page", "b"],
      ["page", "end"],
      [true, false, 0],
      [true],
    ],
  ));

test("members come and go, and client events say whose they are", () =>
  same(
    async (client, see) => {
      const ann = await subscribed(client({ user: "ann" }), `presence-${name()}`);
      const { members } = ann;
      see(members.count, members.myID, members.me, members.get("nobody"));
      ann.bind("client-move", () => see("own"));
      const added = next(ann, "pusher:member_added");
      const page = client({ user: "bob" });
      const bob = page.subscribe(ann.name);
      const roster = await next(bob, "pusher:subscription_succeeded");
      see(await added, members.count);
      const ids = [];
      roster.each(({ id, info }) => ids.push([id, info.name]));
      see(ids.sort(), roster === bob.members, roster.me, roster.get("ann"));
      const moved = new Promise((done) => bob.bind("client-move", (...args) => done(args)));
      see(ann.trigger("client-move", { x: 1 }), await moved);
      assert.throws(() => ann.trigger("move", {}));
      const removed = next(ann, "pusher:member_removed");
      page.disconnect();
      see(await removed, members.count);
      see(bob.members.count, bob.subscribed);
    },
    [
      [1, "ann", { id: "ann", info: { name: "ann" } }, null],
      [{ id: "bob", info: { name: "bob" } }, 2],
      [
        [
          ["ann", "ann"],
          ["bob", "bob"],
        ],
        true,
        { id: "bob", info: { name: "bob" } },
        { id: "ann", info: { name: "ann" } },
      ],
      [true, [{ x: 1 }, { user_id: "ann" }]],
      [{ id: "bob", info: { name: "bob" } }, 1],
      [0, false],
    ],
  ));

test("the page that is excluded gets nothing", () =>
  same(
    async (client, see) => {
      const page = client();
      const channel = await subscribed(page, name());
      channel.bind("post", () => see("excluded"));
      await back.trigger(channel.name, "post", {}, { socket_id: page.connection.socket_id });
      await fence(channel);
      see("end");
    },
    [["end"]],
  ));

test("a channel that is not allowed is refused, with the status of the back end", () =>
  same(
    async (client, see) => {
      // What the auth endpoint, or the token, does not allow.
      const denied = Object.assign(new Error("no"), { status: 403 });
      const channelAuthorization = { customHandler: (_, call) => call(denied, null) };
      const channel = client({ channelAuthorization }).subscribe(`private-secret-${name()}`);
      const { type } = await next(channel, "pusher:subscription_error");
      see(type, channel.subscribed, channel.subscriptionPending);
      assert.throws(() => client().subscribe("#private"));
    },
    [["AuthError", false, false]],
  ));

test("a cache channel has its last event for who comes later, or a miss", () =>
  same(
    async (client, see) => {
      const early = client().subscribe(`cache-${name()}`);
      early.bind("pusher:cache_miss", (...args) => see("miss", args));
      await next(early, "pusher:cache_miss");
      const event = next(early, "state");
      await back.trigger(early.name, "state", { n: 1 });
      await event;
      const late = client().subscribe(early.name);
      late.bind_global((event, data) => see("late", event, data));
      await next(late, "state");
    },
    [
      ["miss", [null, {}]],
      ["late", "pusher:subscription_succeeded", {}],
      ["late", "state", { n: 1 }],
    ],
  ));

test("a user that has signed in gets what is sent to it, until the back end ends it", () =>
  same(
    async (client, see) => {
      const user = name();
      const pusher = client({ user });
      see(pusher.user.user_data);
      pusher.signin();
      const success = await next(pusher, "pusher:signin_success");
      see(JSON.parse(success.user_data).id === user);
      await pusher.user.signinDonePromise;
      see(pusher.user.user_data.id === user);
      // pusher-js subscribes to a channel for it, and says nowhere when that is done.
      const event = next(pusher.user, "note");
      const again = setInterval(() => back.sendToUser(user, "note", { hello: 1 }), 100);
      see(await event);
      clearInterval(again);
      const ended = next(pusher.connection, "disconnected");
      const failed = next(pusher.connection, "error");
      await back.terminateUserConnections(user);
      await ended;
      const { type, data } = await failed;
      see(type, typeof data.code, pusher.user.user_data);
    },
    [[null], [true], [true], [{ hello: 1 }], ["PusherError", "number", null]],
  ));

test("Echo listens, knows who is here and whispers, with either as its client", () =>
  same(
    async (client, see) => {
      const room = name();
      const page = (user) => new (Echo.default ?? Echo)({ broadcaster: "pusher", client: client({ user }) });
      const [ann, bob] = [page("ann"), page("bob")];
      const status = new Promise((done) => ann.connector.onConnectionChange(done));
      see(await status, /^\d+\.\d+$/.test(ann.socketId()));
      const shipped = ann.private(room);
      await new Promise((done) => shipped.subscribed(done));
      const event = new Promise((done) => shipped.listen("OrderShipped", done));
      await back.trigger(`private-${room}`, "App\\Events\\OrderShipped", { order: 7 });
      see(await event);
      const joined = ann.join(room);
      see(await new Promise((done) => joined.here(done)));
      const joining = new Promise((done) => joined.joining(done));
      const leaving = new Promise((done) => joined.leaving(done));
      const whisper = new Promise((done) => joined.listenForWhisper("typing", done));
      const other = bob.join(room);
      await new Promise((done) => other.here(done));
      see(await joining);
      other.whisper("typing", { on: true });
      see(await whisper);
      bob.leave(room);
      see(await leaving);
      ann.disconnect();
      see(ann.connectionStatus());
    },
    [
      ["connected", true],
      [{ order: 7 }],
      [[{ name: "ann" }]],
      [{ name: "bob" }],
      [{ on: true }],
      [{ name: "bob" }],
      ["disconnected"],
    ],
  ));

test("only with River's own protocol what was missed comes, each once and in order", async () => {
  const proxy = await cuttingProxy(wsAddress.port, wsAddress.host);
  const page = native.client({ wsPort: proxy.port });
  const channel = await subscribed(page, name());
  const heard = [];
  channel.bind("n", (n) => heard.push(n));
  let succeeded = 0;
  channel.bind("pusher:subscription_succeeded", () => {
    succeeded += 1;
  });
  for (let round = 0; round < 3; round++) {
    const returned = next(channel, "pusher:subscription_succeeded");
    const cutting = proxy.cut(100);
    for (let n = 0; n < 5; n++) await back.trigger(channel.name, "n", round * 5 + n);
    await cutting;
    await returned;
  }
  await fence(channel);
  assert.deepEqual(heard, [...Array(15).keys()]);
  assert.equal(succeeded, 3);
  proxy.close();
});
