// Pusher's client and ours behind the same network, which is cut three times (see test_pusher_clients.py).
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { COUNT, threeCuts } from "./cuts.js";
import * as native from "./native.js";
import * as unmodified from "./river.js";

after(() => [native, unmodified].forEach(({ closeAll }) => closeAll()));

const TAIL_S = 2;
const EACH_S = (3 * (Number(process.env.RIVER_CUT_MS ?? 800) + Number(process.env.RIVER_BETWEEN_MS ?? 3000))) / 1000 / COUNT;

test("three cuts lose nothing with either client, and with River's own nothing comes twice", async () => {
  const wsPath = `/t/${Date.now().toString(36)}-${randomUUID()}`;
  const [theirs, ours] = await threeCuts(`private-${unmodified.name()}`, [
    (where) => unmodified.client({ ...where, wsPath }),
    (where) => native.client(where),
  ]);
  console.log(`of ${COUNT}: pusher-js ${JSON.stringify(theirs)}, river-realtime/pusher ${JSON.stringify(ours)}`);
  const all = { received: COUNT, inOrder: true, twice: 0, gaps: 0 };
  assert.deepEqual(ours, all);
  assert.deepEqual({ ...theirs, twice: 0 }, all);
  // What was not proven: of each cut the last moment before it, and no more.
  assert.ok(theirs.twice <= (3 * TAIL_S) / EACH_S, `${theirs.twice} came twice`);
});
