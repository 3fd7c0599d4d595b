// One script, once with unmodified pusher-js and once with river-realtime/pusher.
import assert from "node:assert/strict";
import { after } from "node:test";
import * as native from "./native.js";
import * as unmodified from "./river.js";
import { back, next } from "./river.js";

const KINDS = [unmodified, native];

after(() => KINDS.forEach(({ closeAll }) => closeAll()));

/** The same script with both: what it writes down is the same, and this. */
export async function same(script, expected) {
  for (const { client } of KINDS) {
    const seen = [];
    await script(client, (...what) => seen.push(JSON.parse(JSON.stringify(what))));
    assert.deepEqual(seen, expected, client === native.client ? "river-realtime/pusher" : "pusher-js");
  }
}

/** An event of the back end that this page has got, and all before it. */
export async function fence(channel) {
  const end = next(channel, "end");
  await back.trigger(channel.name, "end", {});
  await end;
}
