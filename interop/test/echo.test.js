// Unmodified Laravel Echo on pusher-js, against the River of RIVER_PUSHER.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import Echo from "laravel-echo";
import { back, client, closeAll, name } from "./river.js";

after(closeAll);

const echo = (user) => new (Echo.default ?? Echo)({ broadcaster: "pusher", key: "unused", client: client({ user }) });

test("Echo listens to events of Laravel, on public and private channels", async () => {
  const room = name();
  const page = echo("ann");
  for (const [subscribe, wire] of [
    [() => page.channel(room), room],
    [() => page.private(room), `private-${room}`],
  ]) {
    const channel = subscribe();
    await new Promise((done) => channel.subscribed(done));
    const event = new Promise((done) => channel.listen("OrderShipped", done));
    await back.trigger(wire, "App\\Events\\OrderShipped", { order: 7 });
    assert.deepEqual(await event, { order: 7 });
  }
});

test("Echo knows who is here, who joins and who leaves, and whispers", async () => {
  const room = name();
  const [ann, bob] = [echo("ann"), echo("bob")];
  const joined = ann.join(room);
  const joining = new Promise((done) => joined.joining(done));
  const leaving = new Promise((done) => joined.leaving(done));
  const whisper = new Promise((done) => joined.listenForWhisper("typing", done));
  assert.deepEqual(await new Promise((done) => joined.here(done)), [{ name: "ann" }]);
  const other = bob.join(room);
  await new Promise((done) => other.here(done));
  assert.deepEqual(await joining, { name: "bob" });
  other.whisper("typing", { on: true });
  assert.deepEqual(await whisper, { on: true });
  bob.leave(room);
  assert.deepEqual(await leaving, { name: "bob" });
});
