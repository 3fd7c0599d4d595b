// Webhooks: what waits for each, how its requests go, what was given up.

import { get, mayWrite, post } from "./api.js";
import { confirmed, emptyState, facts, h, say, swap, table, tag } from "./dom.js";
import { bytes, count, since, time } from "./format.js";
import { channelLink, userLink } from "./links.js";
import { into, live } from "./live.js";

const EVERY_MS = 3000;
const DEAD_SHOWN = 50;
const REPLAY_MAX = 10000;

export function webhooks(view, signal) {
  const list = h("div", { class: "grid two" });
  const cards = new Map();
  view.append(list);
  live(EVERY_MS, view, signal, () => [["webhooks", {}]], ([found]) => {
    if (!found.webhooks.length) {
      swap(list, emptyState("No webhook is set: RIVER_WEBHOOKS names an address and the events that it wants."));
      return;
    }
    for (const one of found.webhooks) {
      if (!cards.has(one.webhook)) cards.set(one.webhook, card(one.webhook, signal));
      cards.get(one.webhook).show(one);
    }
    if (list.childElementCount !== cards.size) list.replaceChildren(...[...cards.values()].map((one) => one.element));
  });
}

/** One webhook. It stays while its numbers change: what is opened in it stays open. */
function card(id, signal) {
  const head = h("h2", null);
  const numbers = h("div", null);
  const dead = h("div", null);
  const opened = h("details", { class: "entry", hidden: true }, h("summary", null, "What was given up"), dead);
  const again = h("button", { class: "quiet", hidden: true }, "Send again what was given up");
  const test = h("button", { class: "quiet" }, "Send a test event");
  let state;
  const list = () => into(dead, get(`webhooks/${encodeURIComponent(id)}/dead`, { limit: DEAD_SHOWN }, signal), (found) => deadTable(found, state));
  opened.addEventListener("toggle", () => opened.open && list());
  again.addEventListener("click", () => replay(state));
  test.addEventListener("click", () => order(() => post("webhooks/test", {}, { webhook: id }), "A test event waits for its turn."));
  return {
    element: h("section", { class: "card" }, head, numbers, opened, mayWrite() ? h("div", { class: "actions start" }, test, again) : null),
    show(now) {
      const changed = state?.dead !== now.dead;
      state = now;
      swap(head, h("span", { class: "name" }, now.webhook), " ", health(now));
      swap(numbers, stateFacts(now));
      again.hidden = opened.hidden = !now.dead;
      if (opened.open && changed) list();
    },
  };
}

function health(now) {
  if (now.attempts) return tag(`failed ${now.attempts} times in a row`, "bad");
  return now.delivered_at_ms ? tag("delivers", "good") : tag("nothing sent yet");
}

const stateFacts = (now) => facts([
  ["address", now.url],
  ["events", now.events.join(", ")],
  ["channels", h("code", null, now.channels)],
  ["waiting", now.waiting ? `${count(now.waiting)} (${bytes(now.waiting_bytes)})${now.oldest_at_ms ? `, the oldest for ${since(now.oldest_at_ms / 1000)}` : ""}` : "nothing"],
  ["delivered last", now.delivered_at_ms ? time(now.delivered_at_ms / 1000) : "never"],
  ["failed last", now.failed_at_ms ? `${time(now.failed_at_ms / 1000)}: ${now.error ?? ""}` : ""],
  ["given up", now.dead ? tag(count(now.dead), "bad") : "nothing"],
  ["overflows", now.overflows ? count(now.overflows) : ""],
]);

function deadTable(found, state) {
  const rows = found.dead.map((one) => [one.type, one.channel ? channelLink(one.channel) : "", one.user ? userLink(one.user) : "", time(one.time_ms / 1000), one.error]);
  return [
    table(["Event", "Channel", "User", "Written", "Given up for"], rows, "Nothing."),
    state.dead > DEAD_SHOWN ? h("p", { class: "hint" }, `The oldest ${DEAD_SHOWN} of ${count(state.dead)}.`) : "",
  ];
}

async function replay(state) {
  if (!(await confirmed("Send again?", `${count(state.dead)} events go to ${state.url} once more, each with its id.`, "Send again"))) return;
  await order(async () => say(`Events that are sent again: ${(await post("webhooks/replay", {}, { webhook: state.webhook, limit: REPLAY_MAX })).events}.`));
}

async function order(run, done) {
  try {
    await run();
    if (done) say(done);
  } catch (error) {
    say(error.message);
  }
}
