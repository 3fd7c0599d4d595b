// Elements from values. Text becomes text nodes and nothing else: what others wrote cannot become markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(3).filter((one) => one !== null && one !== undefined && one !== false).map((one) => (one instanceof Node ? one : String(one))));
  return element;
}

export const h = (name, properties, ...children) => filled(document.createElement(name), properties, children);

export const svg = (name, properties, ...children) => filled(document.createElementNS(SVG, name), properties, children);

/** A table, or what to do where there is nothing in it. */
export function table(heads, rows, empty) {
  if (!rows.length) return emptyState(empty);
  const head = h("tr", null, heads.map((text) => h("th", { scope: "col" }, text)));
  const body = rows.map((cells) => h("tr", null, cells.map((cell) => h("td", null, cell))));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": heads.join(", ") }, h("table", null, h("thead", null, head), h("tbody", null, body)));
}

export const emptyState = (content) => h("div", { class: "empty" }, content);

const keyOf = (element) => element.getAttribute("href") ?? element.textContent;

/** Put something new in an element, and leave who stands on something there with the keyboard where it is. */
export function swap(element, ...children) {
  const active = element.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  element.replaceChildren(...children);
  if (active !== null) [...element.querySelectorAll("a, button, summary, [tabindex]")].find((one) => keyOf(one) === active)?.focus({ preventScroll: true });
}

/** Pairs of a name and a value. */
export const facts = (pairs) => h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))));

export const tag = (text, kind = "") => h("span", { class: `tag ${kind}` }, text);

export const card = (title, ...content) => h("section", { class: "card" }, title && h("h2", null, title), content);

export function field(label, input, hint) {
  const id = `field-${label.replace(/\W/g, "-").toLowerCase()}`;
  input.id = id;
  return h("div", { class: "field" }, h("label", { for: id }, label), input, hint && h("small", null, hint));
}

/** Ask before something is done. Resolves to what was typed, or to false. */
export function confirmed(title, text, action, input) {
  const dialog = document.getElementById("dialog");
  return new Promise((resolve) => {
    const done = (value) => {
      dialog.close();
      resolve(value);
    };
    const form = h("form", { onsubmit: (event) => { event.preventDefault(); done(input ? input.value : true); } },
      h("h2", null, title), h("p", null, text), input && field(input.getAttribute("aria-label"), input),
      h("div", { class: "actions" }, h("button", { type: "button", class: "quiet", onclick: () => done(false) }, "Cancel"), h("button", { type: "submit", class: "danger" }, action)));
    dialog.replaceChildren(form);
    dialog.oncancel = () => resolve(false);
    dialog.showModal();
  });
}

let timer;
export function say(text) {
  const status = document.getElementById("status");
  status.textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => { status.textContent = ""; }, 6000);
}
