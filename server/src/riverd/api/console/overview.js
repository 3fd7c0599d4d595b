// How the deployment is now, and was in the last minutes.

import { curve } from "./chart.js";
import { card, emptyState, h, swap, table, tag } from "./dom.js";
import { count, since } from "./format.js";
import { live } from "./live.js";

const EVERY_MS = 2000;

const sum = (nodes, name) => nodes.reduce((total, one) => total + one[name], 0);

const rate = (value) => count(value < 10 ? value : Math.round(value));

/** What the nodes have counted more since the last answer; one that began anew counts from 0. */
function added(now, before, name) {
  const known = new Map(before.map((one) => [`${one.node} ${one.started_at}`, one[name]]));
  return now.reduce((total, one) => total + Math.max(0, one[name] - (known.get(`${one.node} ${one.started_at}`) ?? one[name])), 0);
}

export function overview(view, signal) {
  const connections = curve("Connections", count);
  const deliveries = curve("Deliveries a second", rate);
  const gaps = curve("Gaps a second", rate);
  const numbers = h("div", { class: "numbers" });
  const health = h("div", null);
  const gateways = h("div", null);
  view.append(health, h("div", { class: "grid three" }, connections.element, deliveries.element, gaps.element), numbers, gateways);
  let before = null;
  let askedAt = 0;
  live(EVERY_MS, view, signal, () => [["nodes", {}]], ([found]) => {
    const now = performance.now();
    const seconds = (now - askedAt) / 1000;
    connections.add(sum(found.nodes, "connections"));
    if (before) {
      deliveries.add(added(found.nodes, before, "deliveries") / seconds);
      gaps.add(added(found.nodes, before, "gaps") / seconds);
    }
    before = found.nodes;
    askedAt = now;
    swap(health, state(found));
    swap(gateways, found.nodes.length ? table(["Gateway", "Up", "Connections", "Users", "Channels", "Late by"], found.nodes.map((one) => [h("a", { href: "#/nodes" }, one.node), since(one.started_at), count(one.connections), count(one.users), count(one.channels), `${(one.lag_s * 1000).toFixed(0)} ms`]), "") : "");
    swap(numbers,
      number("Channels on a gateway", sum(found.nodes, "channels"), "#/channels"),
      number("Users on a gateway", sum(found.nodes, "users"), "#/users"),
      number("Gateways", found.nodes.length, "#/nodes"),
      number("Refused since the start", sum(found.nodes, "refused"), "#/codes"));
  });
}

const number = (title, value, href) => h("a", { class: "card number", href }, h("span", null, title), h("strong", null, count(value)));

function state(found) {
  if (!found.nodes.length && !found.unanswered.length) {
    return emptyState(["No gateway is connected to this broker. Start one with ", h("code", null, "river gateway"), " and the same RIVER_BROKER."]);
  }
  const wrong = [
    ...(found.broker_evicts ? [`The broker drops logs when it is full (${found.broker_evicts}): set maxmemory-policy noeviction.`] : []),
    ...found.unanswered.map((name) => `${name} did not answer.`),
    ...found.nodes.filter((one) => one.rules !== found.rules).map((one) => `${one.node} has other channel rules.`),
    ...found.nodes.filter((one) => one.lag_s > 0.5).map((one) => `${one.node} is late by ${one.lag_s.toFixed(1)} s.`),
  ];
  if (!wrong.length) return h("p", { class: "state" }, tag("all well", "good"), ` ${found.nodes.length === 1 ? "One gateway answers" : `All ${found.nodes.length} gateways answer`}, with one set of rules.`);
  return card("Look at this", h("ul", null, wrong.map((text) => h("li", null, text))));
}
