/** River's part of the page: connect, subscribe, hand on. What is to be seen, the other files draw. */

import { load, showMissed, showState } from "./connection.js";
import { addPost } from "./posts.js";
import { readerJoined, readerLeft, showReaders } from "./readers.js";
import { onTyping, showTyping } from "./typing.js";

const { river: host, board, thread } = document.body.dataset;
const boards = [...document.querySelectorAll("[data-board]")].map((node) => node.dataset.board);

showState({ state: "closed" });
const { River } = await load(`${host}/client/river.js`);
const river = new River({ host, token });
river.on("state", showState);
showState(river);
// Asked for with `localStorage.debug = "river"` in the browser's console.
if (localStorage.getItem("debug") === "river") river.debug();

async function token() {
  const answer = await fetch(board ? `/river-token?board=${board}` : "/river-token");
  return (await answer.json()).token;
}

for (const name of boards) {
  // What was posted between the page and this subscription is in the history; `addPost` leaves out
  // what the page has already.
  const posts = river.subscribe(`board-${name}`, { history: board ? 20 : 1 });
  posts.on("post", addPost);
  posts.on("river:gap", showMissed);
}

if (board) {
  const readers = river.subscribe(`presence-board-${board}`);
  readers.on("river:presence", showReaders);
  readers.on("river:joined", readerJoined);
  readers.on("river:left", readerLeft);

  const typing = river.subscribe(`typing-${board}`);
  typing.on("typing", (where, { user }) => showTyping(user, where));
  onTyping(() => {
    // Only for others, and only now: who comes later is not shown what was typed before.
    const options = { keep: false, exclude: river.session ?? undefined };
    typing.publish("typing", { thread: Number(thread) }, options).catch(() => {});
  });
}
