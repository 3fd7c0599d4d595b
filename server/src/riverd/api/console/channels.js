// Channels, and one of them: its rule, who is there, its log, and a form that publishes to it.

import { get, mayWrite, post } from "./api.js";
import { card, emptyState, facts, field, h, say, swap, table, tag } from "./dom.js";
import { explainForm } from "./explain.js";
import { bytes, count, pretty } from "./format.js";
import { channelLink, traceLink, userLink } from "./links.js";
import { into, live } from "./live.js";

const LIMIT = 200;
const EVERY_MS = 3000;

export function channels(view, signal) {
  const list = h("div", null);
  const input = h("input", { type: "search", spellcheck: "false", placeholder: "chat-" });
  const open = (event) => {
    event.preventDefault();
    if (input.value) location.hash = `#/channels/${encodeURIComponent(input.value)}`;
  };
  view.append(h("form", { class: "row", onsubmit: open }, field("Begins with", input), h("button", { type: "submit", class: "quiet" }, "Open this name")), list);
  const again = live(EVERY_MS, view, signal, () => [["channels", { prefix: input.value, limit: LIMIT }]], ([found]) => {
    const rows = Object.entries(found.channels).map(([name, one]) => [channelLink(name), count(one.subscribers), one.users === undefined ? "" : count(one.users)]);
    swap(list,
      table(["Channel", "Subscribers", "Members"], rows, ["No channel has a subscriber", input.value && " that begins so", ". Try ", h("code", null, "river subscribe dogs"), " in a terminal."]),
      found.more ? h("p", { class: "hint" }, `The first ${LIMIT}. Type more of the name to see others.`) : "");
  });
  input.addEventListener("input", again);
}

export function channel(view, signal, name) {
  const asked = { channel: name };
  const numbers = h("div", null);
  const rule = h("div", null);
  const members = h("div", null);
  const log = h("div", null);
  let hasMembers = false;
  view.append(
    h("p", { class: "state" }, traceLink("channel", name)),
    h("div", { class: "grid two" }, card("Now", numbers), card("Rule", rule)),
    h("div", { class: "grid two" }, card("Log", log), h("div", null, mayWrite() ? card("Publish", form(name, () => again())) : null, card("Members", members))),
    card("Why did somebody not get it?", [h("p", { class: "hint" }, "A connection without a user has a session alone: a trace of the channel shows its id."), explainForm(signal, asked)]));
  into(rule, get("channels/-/rule", asked, signal), (found) => {
    hasMembers = found.presence;
    if (hasMembers) again();
    else swap(members, emptyState("This channel has no members: its name or its rule would have to say so."));
    return facts([
      ["decided by", found.rule === null ? "the settings" : h("code", null, found.rule)],
      ["who may subscribe", { open: "everybody with a token", grant: "who has a grant", guest: "everybody, also without a token" }[found.access]],
      ["keeps", `${count(found.history_size)} events, ${count(found.history_ttl_s)} s, ${bytes(found.history_bytes)}`],
      ["newest one", found.last_ttl_s ? `kept for ${count(found.last_ttl_s)} s` : ""],
      ["clients publish", found.client_publish ? "with a grant" : "never"],
    ]);
  });
  const asks = () => [["channels/-", asked], ["channels/-/history", { ...asked, limit: 50 }], ...(hasMembers ? [["channels/-/presence", asked]] : [])];
  const again = live(EVERY_MS, view, signal, asks, ([state, history, present], changed) => {
    swap(numbers, facts([
      ["subscribers", count(state.subscribers)],
      ["members", state.users === undefined ? "" : count(state.users)],
      ["stands at", `${state.offset}`],
      ["epoch", h("code", null, state.epoch)],
    ]));
    if (present !== undefined && changed.has(2)) showMembers(members, present);
    if (!changed.has(1)) return;
    const open = new Set([...log.querySelectorAll("details[open]")].map((one) => one.dataset.offset));
    swap(log, ...entries(history, open));
  });
}

function entries(history, open) {
  if (!history.publications.length) {
    return [emptyState(["Nothing is kept here. Publish something: ", h("code", null, `river publish ${history.channel} hello '"world"'`)])];
  }
  return history.publications.toReversed().map((one) => h("details", { class: "entry", "data-offset": one.offset, open: open.has(String(one.offset)) },
    h("summary", null, h("span", { class: "offset" }, one.offset), h("span", { class: "name" }, one.event), one.user === undefined ? null : tag(`by ${one.user}`)),
    h("pre", { tabindex: "0" }, pretty(one.data))));
}

function showMembers(members, found) {
  const rows = found.members.slice(0, LIMIT).map((one) => [userLink(one.user), one.info === undefined ? "" : h("code", null, JSON.stringify(one.info))]);
  swap(members, table(["User", "Info"], rows, "Nobody is here."), found.count > LIMIT ? h("p", { class: "hint" }, `${LIMIT} of ${count(found.count)}.`) : "");
}

function form(name, published) {
  const event = h("input", { value: "message", required: true, maxlength: "128", spellcheck: "false" });
  const data = h("textarea", { rows: "4", spellcheck: "false" }, '{"text":"Hello"}');
  const send = async (submitted) => {
    submitted.preventDefault();
    let parsed;
    try {
      parsed = JSON.parse(data.value);
    } catch {
      say('The data is not JSON. Text goes in quotes: "like this".');
      return;
    }
    try {
      const answer = await post("publish", {}, { channel: name, event: event.value, data: parsed, id: crypto.randomUUID?.() });
      say(`Published: offset ${answer.offset}.`);
      published();
    } catch (error) {
      say(error.message);
    }
  };
  return h("form", { onsubmit: send }, field("Event", event), field("Data (JSON)", data), h("button", { type: "submit" }, "Publish"));
}
