/** Who reads this board now. */

import { fill, fresh } from "./blanks.js";

/** Who posts loads a new page and is gone for a moment: that is no leaving. */
const GRACE_MS = 3_000;
const NOTE_MS = 6_000;
const FACES_MAX = 8;

/** @typedef {{user: string, info?: {initials?: string, hue?: number}}} Reader */

/** River's own list, which it keeps up to date. */
let presence = { count: 0, members: new Map() };
/** @type {Map<string, {info: Reader["info"], timer: ReturnType<typeof setTimeout>}>} */
const leaving = new Map();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let fading;

/** @param {typeof presence} readers */
export function showReaders(readers) {
  presence = readers;
  for (const user of presence.members.keys()) staying(user);
  draw();
}

/** @param {Reader} reader */
export function readerJoined({ user }) {
  if (!staying(user)) say(`${user} came in`);
  draw();
}

/** @param {Reader} reader */
export function readerLeft({ user, info }) {
  staying(user);
  const timer = setTimeout(() => {
    leaving.delete(user);
    say(`${user} left`);
    draw();
  }, GRACE_MS);
  leaving.set(user, { info, timer });
  draw();
}

/** @param {string} user @returns {boolean} whether the user was about to be forgotten */
function staying(user) {
  clearTimeout(leaving.get(user)?.timer);
  return leaving.delete(user);
}

/** @param {string} words */
function say(words) {
  const note = document.querySelector("[data-here-note]");
  note.textContent = words;
  clearTimeout(fading);
  fading = setTimeout(() => note.replaceChildren(), NOTE_MS);
}

function draw() {
  const readers = [...presence.members].map(([user, info]) => ({ user, info }));
  for (const [user, { info }] of leaving) readers.push({ user, info });
  const count = presence.count + leaving.size;
  const faces = readers.slice(0, FACES_MAX).map(face);
  if (count > faces.length) faces.push(rest(count - faces.length));
  document.querySelector("[data-here-count]").textContent = String(count);
  document.querySelector("[data-here-list]").replaceChildren(...faces);
  document.querySelector("[data-here]").hidden = false;
}

/** @param {Reader} reader */
function face({ user, info }) {
  const item = fresh("data-here-blank");
  const me = user === document.body.dataset.me;
  const initials = String(info?.initials ?? user.slice(0, 1)).slice(0, 2);
  fill(item, { user: me ? `${user} (you)` : user, initials, hue: Number(info?.hue ?? 0) });
  item.title = user;
  return item;
}

/** @param {number} count */
function rest(count) {
  const item = document.createElement("li");
  item.className = "rest";
  item.textContent = `+${count}`;
  return item;
}
