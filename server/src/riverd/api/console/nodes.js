// The gateway processes, and those that are gone.

import { mayWrite, post } from "./api.js";
import { card, confirmed, h, say, swap, table, tag } from "./dom.js";
import { bytes, count, since, time } from "./format.js";
import { live } from "./live.js";

const EVERY_MS = 2000;

export function nodes(view, signal) {
  const list = h("div", null);
  const gone = h("div", null);
  view.append(list, card("Gone within a day", gone));
  live(EVERY_MS, view, signal, () => [["nodes", {}]], ([found]) => {
    const heads = ["Node", "Version", "Up", "Connections", "Channels", "Late by", "Rules", "Memory of sessions", ...(mayWrite() ? ["Stop"] : [])];
    swap(list,
      table(heads, found.nodes.map((one) => row(one, found)), ["No gateway is connected. Start one with ", h("code", null, "river gateway"), " and the same RIVER_BROKER."]),
      found.unanswered.length ? h("p", { class: "problem" }, `No answer from ${found.unanswered.join(", ")}.`) : "");
    swap(gone, table(["Node", "Started", "Seen last"], found.gone.map((one) => [one.name, time(one.started_at), time(one.seen_at)]), "None: whoever was connected still is."));
  });
}

function row(one, found) {
  const same = one.rules === found.rules;
  const cells = [
    h("span", null, one.node, " ", one.is_draining ? tag("draining", "warn") : ""), one.version, since(one.started_at), count(one.connections), count(one.channels),
    one.lag_s > 0.5 ? tag(`${one.lag_s.toFixed(1)} s`, "bad") : `${(one.lag_s * 1000).toFixed(0)} ms`,
    h("span", null, h("code", null, one.rules.slice(0, 8)), " ", same ? "" : tag("differ", "bad")), bytes(one.history_bytes ?? 0)];
  if (mayWrite()) cells.push(h("button", { class: "quiet", disabled: one.is_draining === true, onclick: () => drain(one.node) }, "Drain"));
  return cells;
}

async function drain(node) {
  if (!(await confirmed("Drain?", `${node} closes its port and moves its clients to the others. It stays up until it is stopped.`, "Drain"))) return;
  try {
    const answer = await post("nodes/-/drain", { node });
    say(`Clients that move: ${answer.reached}.`);
  } catch (error) {
    say(error.message);
  }
}
