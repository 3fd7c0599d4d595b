// Users, and one of them: connections, why an event did not arrive, and what can be ordered.

import { mayWrite, post, remove } from "./api.js";
import { card, confirmed, field, h, say, swap, table } from "./dom.js";
import { explainForm } from "./explain.js";
import { count, since, time } from "./format.js";
import { channelLink, traceLink, userLink } from "./links.js";
import { live } from "./live.js";

const LIMIT = 200;
const SHOWN_MAX = 50;
const EVERY_MS = 3000;
// The API looks through all blocks for it.
const BLOCKS_EVERY_MS = 30_000;

export function users(view, signal) {
  const list = h("div", null);
  const blocked = h("div", null);
  const input = h("input", { type: "search", spellcheck: "false" });
  const open = (event) => {
    event.preventDefault();
    if (input.value) location.hash = `#/users/${encodeURIComponent(input.value)}`;
  };
  view.append(h("form", { class: "row", onsubmit: open }, field("Begins with", input), h("button", { type: "submit", class: "quiet" }, "Open this user")), list, card("Blocked", blocked));
  const again = live(EVERY_MS, view, signal, () => [["users", { prefix: input.value, limit: LIMIT }]], ([found]) => {
    swap(list,
      table(["User", "Connections"], Object.entries(found.users).map(([name, number]) => [userLink(name), count(number)]), "No user is connected. A page with a token appears here; river dev prints one to paste."),
      found.more ? h("p", { class: "hint" }, `The first ${LIMIT}. Type more of the name to see others.`) : "",
      found.unanswered.length ? h("p", { class: "hint" }, `No answer from ${found.unanswered.join(", ")}.`) : "");
  });
  live(BLOCKS_EVERY_MS, view, signal, () => [["blocks", { limit: LIMIT }]], ([{ blocks, more }]) => {
    swap(blocked,
      table(["User", "Until"], blocks.map((one) => [userLink(one.user), one.until === null ? "for good" : time(one.until)]), "Nobody is."),
      more ? h("p", { class: "hint" }, `The first ${LIMIT}.`) : "");
  });
  input.addEventListener("input", again);
}

export function user(view, signal, name) {
  const connections = h("div", null);
  const again = live(EVERY_MS, view, signal, () => [["users/-", { user: name, limit: SHOWN_MAX }]], ([found]) => {
    const rows = found.connections.map((one) => [
      traceLink("session", one.session, h("code", null, one.session)), h("span", { class: "whole" }, one.node), since(one.since), one.client, h("div", { class: "names" }, one.channels.slice(0, SHOWN_MAX).map((each) => [channelLink(each), " "]), andMore(one.channels.length - SHOWN_MAX, one.channels_more))]);
    swap(connections,
      table(["Session", "Node", "For", "Client", "Channels"], rows, "Not connected now."),
      found.more ? h("p", { class: "hint" }, `And ${count(found.more)} more connections.`) : "",
      found.unanswered.length ? h("p", { class: "hint" }, `No answer from ${found.unanswered.join(", ")}.`) : "");
  });
  view.append(h("p", { class: "state" }, traceLink("user", name)), card("Connections", connections), card("Why did this user not get it?", explainForm(signal, { user: name })), mayWrite() ? card("Orders", orders(name, again)) : "");
}

function andMore(cut, unlisted) {
  const more = Math.max(0, cut) + unlisted;
  return more ? h("span", { class: "soft" }, `and ${count(more)} more`) : "";
}

function orders(name, again) {
  const act = (title, text, action, run, input) => async () => {
    const given = await confirmed(title, text, action, input?.());
    if (given === false) return;
    try {
      const answer = await run(given);
      say(answer.reached === undefined ? "Done." : `Connections reached: ${answer.reached}.`);
      again();
    } catch (error) {
      say(error.message);
    }
  };
  const asked = { user: name };
  const hours = () => h("input", { type: "number", min: "0", step: "any", value: "", "aria-label": "Hours (empty: for good)" });
  return h("div", { class: "actions start" },
    h("button", { class: "quiet", onclick: act("Disconnect?", `All connections of ${name} are closed, on every node. A new login is possible at once.`, "Disconnect", () => post("users/-/disconnect", asked)) }, "Disconnect"),
    h("button", { class: "quiet", onclick: act("Log out everywhere?", `Every token that ${name} has until now is refused, and all connections are closed.`, "Log out everywhere", () => post("users/-/disconnect", asked, { revoke: true })) }, "Log out everywhere"),
    h("button", { class: "danger", onclick: act("Block?", `${name} is refused everywhere, with whatever token.`, "Block", (given) => post("users/-/block", asked, { until: given ? Date.now() / 1000 + Number(given) * 3600 : null }), hours) }, "Block"),
    h("button", { class: "quiet", onclick: act("Unblock?", `${name} may connect again.`, "Unblock", () => remove("users/-/block", asked)) }, "Unblock"));
}
