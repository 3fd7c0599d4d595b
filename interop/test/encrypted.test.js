// Encrypted channels, with unmodified pusher-js and with river-realtime/pusher: the page sees the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import PusherServer from "pusher";
import { back, backOptions, name, next, subscribed } from "./river.js";
import { fence, same } from "./same.js";

/** The back end with the next master key for encrypted channels. */
const nextBack = () =>
  new PusherServer({ ...backOptions, encryptionMasterKeyBase64: Buffer.alloc(32, 8).toString("base64") });

test("an encrypted channel is opened in the page, also after its key has changed", () =>
  same(
    async (client, see) => {
      let giving = back;
      const asked = [];
      const customHandler = ({ socketId, channelName }, call) => {
        asked.push(channelName);
        call(null, giving.authorizeChannel(socketId, channelName));
      };
      const pusher = client({ channelAuthorization: { customHandler } });
      const channel = pusher.subscribe(`private-encrypted-${name()}`);
      see(channel.subscribed);
      channel.bind("pusher:subscription_succeeded", (...args) => see("succeeded", args));
      await next(channel, "pusher:subscription_succeeded");
      channel.bind("post", (...args) => see("channel", args));
      pusher.bind("post", (data) => see("page", Object.keys(data).sort()));
      for (const data of [{ text: "Grüße 😀" }, "plain", "01", [1], 0]) await back.trigger(channel.name, "post", data);
      await fence(channel);
      see(asked.length, asked[0] === channel.name);
      giving = nextBack();
      const renewed = next(channel, "renewed");
      await giving.trigger(channel.name, "renewed", { n: 1 });
      see(await renewed, asked.length);
      assert.throws(() => channel.trigger("client-move", {}));
      pusher.unsubscribe(channel.name);
      see(channel.subscribed);
    },
    [
      [false],
      ["succeeded", [{}]],
      ...[{ text: "Grüße 😀" }, "plain", "01", [1], 0].flatMap((data) => [
        ["channel", data ? [data] : []],
        ["page", ["ciphertext", "nonce"]],
      ]),
      [1, true],
      [{ n: 1 }, 2],
      [false],
    ],
  ));

test("an encrypted channel whose key is not given is refused, and has no events", () =>
  same(
    async (client, see) => {
      for (const answer of [[Object.assign(new Error("no"), { status: 403 }), null], [null, { auth: "a:b" }]]) {
        const channelAuthorization = { customHandler: (_, call) => call(...answer) };
        const pusher = client({ channelAuthorization });
        const channel = pusher.subscribe(`private-encrypted-${name()}`);
        channel.bind("post", () => see("opened"));
        const { type, error } = await next(channel, "pusher:subscription_error");
        see(type, typeof error, channel.subscribed);
        const open = await subscribed(pusher, name());
        await back.trigger(channel.name, "post", {});
        await fence(open);
      }
    },
    [
      ["AuthError", "string", false],
      ["AuthError", "string", false],
    ],
  ));

test("an encrypted cache channel has its last event for who comes later", () =>
  same(
    async (client, see) => {
      const early = client().subscribe(`private-encrypted-cache-${name()}`);
      await next(early, "pusher:cache_miss");
      const event = next(early, "state");
      await back.trigger(early.name, "state", { n: 1 });
      await event;
      const late = client().subscribe(early.name);
      late.bind_global((event, data) => see(event, data));
      await next(late, "state");
    },
    [
      ["pusher:subscription_succeeded", {}],
      ["state", { n: 1 }],
    ],
  ));
