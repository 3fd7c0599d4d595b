/** Posts, put where they belong: into the open thread, the board's list, the front page. */

import { arrive } from "./arrivals.js";
import { fill, fresh } from "./blanks.js";
import { stopTyping } from "./typing.js";

/**
 * @typedef {object} Post what the forum's server publishes
 * @property {string} id
 * @property {number} number its place among all posts
 * @property {string} author
 * @property {string} initials
 * @property {number} hue
 * @property {string} body
 * @property {string} time ISO 8601
 * @property {string} board
 * @property {number} thread
 * @property {string} title
 * @property {number} replies
 */

/**
 * Put a post on the page. A page that has it already, whoever put it there, stays as it is.
 *
 * @param {Post} post
 */
export function addPost(post) {
  const posts = document.querySelector("[data-posts]");
  const threads = document.querySelector("[data-threads]");
  const card = document.querySelector(`.board[data-board="${CSS.escape(post.board)}"]`);
  if (posts) addToThread(posts, post);
  if (threads) addToBoard(threads, post);
  if (card) addToCard(card, post);
  stopTyping(post.author, post.replies === 0 ? 0 : post.thread);
}

/** @param {Element} list @param {Post} post */
function addToThread(list, post) {
  const here = Number(document.body.dataset.thread);
  if (post.thread !== here || document.getElementById(`post-${post.id}`)) return;
  const item = fresh("data-post-blank");
  item.id = `post-${post.id}`;
  item.dataset.number = String(post.number);
  item.classList.toggle("mine", post.author === document.body.dataset.me);
  fill(item, post);
  const after = [...list.children].find((other) => Number(other.dataset.number) > post.number);
  keepingPlace(() => list.insertBefore(item, after ?? null));
  arrive(item, `New reply from ${post.author}`);
}

/** @param {Element} list @param {Post} post */
function addToBoard(list, post) {
  const known = list.querySelector(`[data-thread="${Number(post.thread)}"]`);
  if (known && Number(known.dataset.number) >= post.number) return;
  const line = known ?? fresh("data-thread-blank");
  line.dataset.thread = String(post.thread);
  line.querySelector("[data-typing]").dataset.typing = String(post.thread);
  describe(line, post);
  // A line that has the focus would lose it by being moved.
  if (!line.contains(document.activeElement)) {
    const after = [...list.children].find((other) => Number(other.dataset.number) < post.number);
    list.insertBefore(line, after ?? null);
  }
  arrive(line, `${known ? "New reply" : "New thread"}: ${post.title}, from ${post.author}`);
}

/** @param {HTMLElement} card @param {Post} post */
function addToCard(card, post) {
  if (Number(card.dataset.number) >= post.number) return;
  describe(card, post);
  card.querySelector(".latest").hidden = false;
  arrive(card, `${post.title}, from ${post.author}`);
}

/** @param {HTMLElement} item @param {Post} post */
function describe(item, post) {
  const replies = post.replies === 1 ? "1 reply" : `${Number(post.replies)} replies`;
  fill(item, { ...post, replies });
  item.dataset.number = String(post.number);
  const link = item.querySelector('a[data-slot="title"]');
  link.href = `/b/${encodeURIComponent(post.board)}/${Number(post.thread)}`;
}

/**
 * Change the page above a field that is being written in without moving the field.
 *
 * @param {() => void} change
 */
function keepingPlace(change) {
  const field = document.activeElement?.closest("textarea");
  const before = field?.getBoundingClientRect().top ?? 0;
  change();
  if (field) window.scrollBy(0, field.getBoundingClientRect().top - before);
}
