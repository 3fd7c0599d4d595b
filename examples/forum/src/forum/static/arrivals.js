/** What the page does when something arrives: a glow, a moving stream, a word, a count. */

const title = document.title;
const stream = document.querySelector(".stream");
const announce = document.querySelector("[data-announce]");
const below = document.querySelector("[data-below]");

let unseen = 0;
/** @type {Element[]} */
let waiting = [];

/**
 * Show that an item is new.
 *
 * @param {Element} item
 * @param {string} words for those who hear the page
 */
export function arrive(item, words) {
  restart(item, "arrived");
  restart(stream, "flowing");
  announce.textContent = words;
  if (document.hidden) document.title = `(${++unseen}) ${title}`;
  watched.observe(item);
}

/** Count an item that lies below what the reader sees, and offer the way to it. */
const watched = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting, boundingClientRect } of entries) {
    if (isIntersecting) seen(target);
    else if (boundingClientRect.top > innerHeight / 2 && !waiting.includes(target)) {
      waiting.push(target);
    }
  }
  if (below) {
    below.hidden = waiting.length === 0;
    below.textContent = `${waiting.length} new below`;
  }
});

/** @param {Element} item */
function seen(item) {
  watched.unobserve(item);
  waiting = waiting.filter((other) => other !== item);
}

/** @param {Element} node @param {string} name */
function restart(node, name) {
  node.classList.remove(name);
  node.getBoundingClientRect(); // Without a look at the page in between the class was never away.
  node.classList.add(name);
}

below?.addEventListener("click", () => waiting[0].scrollIntoView({ block: "center" }));

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unseen = 0;
  document.title = title;
});
