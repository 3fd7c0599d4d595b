// Links to pages about one thing.

import { h } from "./dom.js";

export const channelLink = (name) => h("a", { href: `#/channels/${encodeURIComponent(name)}`, class: "name" }, name);

export const userLink = (name) => h("a", { href: `#/users/${encodeURIComponent(name)}`, class: "name" }, name);

/** To the trace page with its form filled in. */
export const traceLink = (kind, name, text = "Follow live") => h("a", { href: `#/trace/${kind}/${encodeURIComponent(name)}` }, text);
