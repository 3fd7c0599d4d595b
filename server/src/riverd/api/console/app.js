// The frame: logging in, the list of pages, and which one is shown. Addresses are in the fragment.

import { ApiError, get, logIn, logOut, mayWrite } from "./api.js";
import { channel, channels } from "./channels.js";
import { codes } from "./codes.js";
import { emptyState, field, h, say, tag } from "./dom.js";
import { nodes } from "./nodes.js";
import { overview } from "./overview.js";
import { trace } from "./trace.js";
import { user, users } from "./users.js";
import { webhooks } from "./webhooks.js";

const PAGES = [
  ["", "Overview", overview],
  ["channels", "Channels", channels],
  ["users", "Users", users],
  ["trace", "Trace", trace],
  ["nodes", "Nodes", nodes],
  ["webhooks", "Webhooks", webhooks],
  ["codes", "Close codes", codes],
];
const DETAILS = { channels: channel, users: user };

const app = document.getElementById("app");
let leave = () => {};
let served = [];

function login(problem) {
  leave();
  logOut();
  const input = h("input", { type: "password", autocomplete: "off", spellcheck: "false", required: true, autofocus: true });
  const button = h("button", { type: "submit" }, "Log in");
  const wrong = h("p", { class: "problem", role: "alert" }, problem ?? "");
  const enter = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await logIn(input.value.trim(), (error) => login(error.message));
      served = Object.keys((await get("openapi.json")).paths);
      frame();
    } catch (error) {
      wrong.textContent = error instanceof ApiError && error.status === 401 ? "This key is none of RIVER_API_KEYS or RIVER_READ_KEYS." : error.message;
      button.disabled = false;
      input.select();
    }
  };
  app.className = "outside";
  app.replaceChildren(h("main", { class: "login card" },
    h("h1", null, mark(), "River console"),
    h("p", null, "See who is connected, what happens now, and why a user did not get an event."),
    h("form", { onsubmit: enter }, field("API key", input, "One of RIVER_API_KEYS, or of RIVER_READ_KEYS to look only. river dev prints one."), button, wrong, h("small", null, "The key stays in this page's memory: reloading forgets it."))));
  input.focus();
}

const mark = () => h("img", { src: "console/river.svg", alt: "", width: "28", height: "28" });

function frame() {
  const links = PAGES.filter(([path]) => path !== "webhooks" || served.includes("/webhooks"))
    .map(([path, title]) => h("a", { href: `#/${path}`, "data-path": path }, title));
  app.className = "inside";
  app.replaceChildren(
    h("a", { class: "skip", href: "#main", onclick: (event) => { event.preventDefault(); document.getElementById("main").focus(); } }, "Skip to the content"),
    h("header", null, h("a", { class: "mark", href: "#/" }, mark(), "River"), h("nav", { "aria-label": "Console" }, links),
      h("div", { class: "who" }, mayWrite() ? null : tag("read only"), h("button", { class: "quiet", onclick: () => login() }, "Log out"))),
    h("main", { id: "main", tabindex: "-1" }));
  show();
}

function show() {
  const main = document.getElementById("main");
  if (main === null) return;
  leave();
  const [, path = "", name, ...more] = location.hash.split("/");
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.path === path) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const [, title, page] = PAGES.find(([known]) => known === path) ?? ["", "Not found", (view) => view.append(emptyState("There is no such page."))];
  const detail = name !== undefined && Object.hasOwn(DETAILS, path) ? DETAILS[path] : undefined;
  const shown = detail ? decoded(name) : title;
  document.title = `${shown} – River`;
  const ending = new AbortController();
  leave = () => ending.abort();
  main.replaceChildren();
  const view = h("div", { class: "view" });
  main.append(h("h1", null, detail ? [h("a", { href: `#/${path}` }, title), " / ", h("span", { class: "name" }, shown)] : title), view);
  (detail ?? page)(view, ending.signal, shown, [name, ...more].filter((one) => one !== undefined).map(decoded));
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

window.addEventListener("hashchange", () => {
  show();
  document.getElementById("main")?.focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
window.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  if (event.reason?.name !== "AbortError") say(event.reason?.message ?? "Something failed.");
});
login();
