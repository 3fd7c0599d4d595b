// What a user, a channel, a session or an address does, as it happens. A trace ends by itself.

import { card, emptyState, field, h, say, tag } from "./dom.js";
import { bytes, clock, count } from "./format.js";
import { channelLink, traceLink } from "./links.js";
import { follow } from "./live.js";
import { TRACED } from "./words.js";

const EVERY_MS = 500;
const SHOWN_MAX = 500;
const KINDS = [["user", "User"], ["channel", "Channel"], ["session", "Session"], ["address", "Address"]];
const MINUTES = [1, 5, 15, 60];

/** `#/trace/user/ann` has the form filled in: nothing is followed before somebody says so. */
export function trace(view, signal, _title, given) {
  const kind = h("select", null, KINDS.map(([value, text]) => h("option", { value, selected: value === given[0] }, text)));
  const name = h("input", { required: true, spellcheck: "false", autocomplete: "off", value: given[1] ?? "" });
  const minutes = h("select", null, MINUTES.map((one) => h("option", { value: one, selected: one === 5 }, `${one} min`)));
  const payloads = h("input", { type: "checkbox" });
  const start = h("button", { type: "submit" }, "Start");
  const stop = h("button", { type: "button", class: "quiet", hidden: true }, "Stop");
  const state = h("p", { class: "hint", role: "status" });
  const problem = h("p", { class: "problem", role: "alert" });
  const list = h("ol", { class: "trace" });
  const body = h("div", null, emptyState("Say whom to follow, and press Start. What happens from then on appears here, the newest first, on whatever gateway it happens."));
  let ending = new AbortController();

  async function begin(event) {
    event.preventDefault();
    ending.abort();
    const own = ending = new AbortController();
    const ended = AbortSignal.any([signal, own.signal]);
    list.replaceChildren();
    body.replaceChildren(list);
    start.hidden = true;
    stop.hidden = false;
    const why = await run({ [kind.value]: name.value, payloads: payloads.checked ? "true" : "" }, Date.now() + Number(minutes.value) * 60000, ended);
    own.abort();
    if (own !== ending) return;
    start.hidden = false;
    stop.hidden = true;
    problem.textContent = "";
    state.textContent = `${why} Seen: ${count(seen)}.`;
    if (!list.childElementCount) body.replaceChildren(emptyState("Nothing happened. Is the name right, to the letter?"));
  }

  let seen = 0;
  /** Follow until it is over; resolves to why. */
  const run = (wanted, endsAt, ended) => new Promise((resolve) => {
    const query = { ...wanted };
    seen = 0;
    ended.addEventListener("abort", () => resolve("Stopped."), { once: true });
    follow(EVERY_MS, ended, () => [["trace", query]], ([found], changed) => {
      Object.assign(query, { id: found.id, after: found.after });
      if (changed.has(0)) add(found.lines);
      if (Date.now() >= endsAt) resolve("Ended by itself.");
      else state.textContent = `Ends by itself in ${left(endsAt)}. Seen: ${count(seen)}${seen > SHOWN_MAX ? `, the newest ${SHOWN_MAX} are shown` : ""}.`;
    }, (error) => {
      problem.textContent = error?.message ?? "";
      if (!(error?.status >= 400 && error.status < 500)) return;
      say(error.message);
      resolve("Refused.");
    }, { unseen: true });
  });

  function add(lines) {
    seen += lines.length;
    list.prepend(...lines.slice(-SHOWN_MAX).map(shown).reverse());
    while (list.childElementCount > SHOWN_MAX) list.lastElementChild.remove();
  }

  stop.addEventListener("click", () => ending.abort());
  view.append(
    card(null,
      h("form", { class: "row", onsubmit: begin }, h("div", { class: "pair" }, field("Follow", kind), field("Named", name)), field("For", minutes),
        h("label", { class: "check" }, payloads, "With payloads"), start, stop),
      state, problem),
    body,
    h("p", { class: "hint" }, "Gateways look four times a second and show at most a hundred lines each time; they say how many they left out. Each follows 200 sessions and eight traces at most, and says so. What is not kept (keep: false) and what clients send is not seen."));
}

function left(endsAt) {
  const s = Math.max(0, Math.round((endsAt - Date.now()) / 1000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

function shown(line) {
  const [text, kind] = TRACED[line.kind] ?? [line.kind, ""];
  return h("li", null,
    h("time", null, clock(line.at)),
    tag(text, kind),
    h("span", { class: "what" },
      line.channel && channelLink(line.channel),
      line.offset === undefined ? null : h("span", { class: "offset" }, ` ${line.offset}`),
      line.event && [" ", h("span", { class: "name" }, line.event)],
      line.size ? h("span", { class: "soft" }, ` ${bytes(line.size)}`) : null,
      line.text && ` ${line.text}`),
    h("span", { class: "where" }, line.session && [traceLink("session", line.session, h("code", null, line.session)), " "], line.node && `on ${line.node}`),
    line.data === undefined ? null : h("pre", { tabindex: "0" }, JSON.stringify(line.data)));
}
