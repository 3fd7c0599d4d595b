// Webhooks: what waits for each, how its requests go, what was given up.

import { get, mayWrite, post } from "./api.js";
import { card, confirmed, emptyState, facts, h, say, swap, tag } from "./dom.js";
import { bytes, count, time } from "./format.js";
import { every } from "./live.js";

const EVERY_MS = 3000;

export function webhooks(view, signal) {
  const list = h("div", { class: "grid two" });
  view.append(list);
  every(EVERY_MS, view, signal, async () => {
    const found = await get("webhooks", {}, signal);
    swap(list, ...(found.webhooks.length ? found.webhooks.map(one) : [emptyState("No webhook is set: RIVER_WEBHOOKS names an address and the events that it wants.")]));
  });
}

function one(webhook) {
  return card(null,
    h("h2", null, webhook.url, " ", webhook.attempts ? tag(`failed ${webhook.attempts} times`, "bad") : tag("delivers", "good")),
    facts([
      ["events", webhook.events.join(", ")],
      ["channels", h("code", null, webhook.channels)],
      ["waiting", `${count(webhook.waiting)} (${bytes(webhook.waiting_bytes)})`],
      ["delivered last", webhook.delivered_at_ms ? time(webhook.delivered_at_ms / 1000) : "never"],
      ["failed last", webhook.failed_at_ms ? `${time(webhook.failed_at_ms / 1000)}: ${webhook.error ?? ""}` : ""],
      ["given up", count(webhook.dead)],
    ]),
    mayWrite() && webhook.dead ? h("button", { class: "quiet", onclick: () => replay(webhook) }, "Send again what was given up") : null);
}

async function replay(webhook) {
  if (!(await confirmed("Send again?", `${webhook.dead} events go to ${webhook.url} once more, each with its id.`, "Send again"))) return;
  try {
    const answer = await post("webhooks/replay", {}, { webhook: webhook.webhook });
    say(`Events that are sent again: ${answer.events}.`);
  } catch (error) {
    say(error.message);
  }
}
