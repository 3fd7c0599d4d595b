// Why an event did not arrive: asked about a user or one connection, in a channel.

import { get } from "./api.js";
import { facts, field, h, tag } from "./dom.js";
import { time } from "./format.js";
import { into } from "./live.js";
import { REASONS } from "./words.js";

const WHO = [["user", "the user"], ["session", "the session"]];

/** A form that asks for what is not known yet: the page's `user`, or its `channel`. */
export function explainForm(signal, known) {
  const who = h("select", null, WHO.map(([value, text]) => h("option", { value }, text)));
  const text = h("input", { required: true, spellcheck: "false" });
  const offset = h("input", { type: "number", min: "1", required: true, class: "short" });
  const answer = h("div", { "aria-live": "polite" });
  const ask = (submitted) => {
    submitted.preventDefault();
    const asked = { ...known, [known.user === undefined ? who.value : "channel"]: text.value };
    into(answer, get(`channels/-/publications/${offset.value}/users/-`, asked, signal), explained);
  };
  const unknown = known.user === undefined ? [field("Who", who), field("Its name or id", text)] : field("Channel", text);
  return [h("form", { class: "row", onsubmit: ask }, unknown, field("Offset", offset), h("button", { type: "submit" }, "Explain")), answer];
}

function explained(found) {
  const [title, kind] = REASONS[found.reason] ?? [found.reason, ""];
  return [
    h("p", { class: "sentence" }, tag(title, kind), " ", found.sentence),
    found.published_at ? h("p", { class: "hint" }, `Published ${time(found.published_at)}.`) : "",
    found.subscriptions.map((one) => h("details", { class: "entry" },
      h("summary", null, tag((REASONS[one.reason] ?? [one.reason])[0], (REASONS[one.reason] ?? ["", ""])[1]), h("span", null, one.session?.session ?? "", " on ", one.node)),
      facts([
        ["in words", one.sentence],
        ["protocol", one.session?.protocol],
        ["client", one.session?.client],
        ["address", one.session?.address],
        ["connected", time(one.session?.connected_at)],
        ["last pong", time(one.session?.confirmed_at)],
        ["blocked since", time(one.session?.blocked_since)],
        ["ended", one.session?.ended_at ? `${time(one.session.ended_at)}: ${one.session.ended_by}` : ""],
        ["was sent", one.subscription ? `what came after ${one.subscription.after}, up to ${one.subscription.upto}` : ""],
      ]))),
    found.notes.length ? h("ul", { class: "hint" }, found.notes.map((note) => h("li", null, note))) : "",
  ].flat();
}
