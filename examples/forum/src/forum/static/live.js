/** River's part of the page: connect, subscribe, hand on. What is to be seen, the other files draw. */

import { showMissed, showState } from "./connection.js";
import { addPost } from "./posts.js";
import { readerJoined, readerLeft, showReaders } from "./readers.js";
import { onTyping, showTyping } from "./typing.js";

const { river: host, board, thread } = document.body.dataset;
const boards = board ? [board] : [...document.querySelectorAll("[data-board-card]")].map((card) => card.dataset.boardCard);

showState({ state: "closed" });
const { River } = await import(`${host}/client/river.js`);

const river = new River({
  host,
  token: async () => (await (await fetch(`/river-token${board ? `?board=${board}` : ""}`)).json()).token,
});
river.on("state", showState);
showState(river);

for (const name of boards) {
  // History closes the gap between the page and the subscription: `addPost` drops what is there.
  const posts = river.subscribe(`board-${name}`, { history: board ? 20 : 1 });
  posts.bind("post", addPost).bind("river:gap", showMissed);
}

if (board) {
  const readers = river.subscribe(`presence-board-${board}`);
  readers.bind("river:presence", showReaders).bind("river:joined", readerJoined).bind("river:left", readerLeft);

  // What was typed while this page was away is over: only what follows is shown.
  const typing = river.subscribe(`typing-${board}`);
  let seen = 0;
  typing.bind("river:subscribed", ({ offset }) => { seen = offset; });
  typing.bind("typing", (where, { user, offset }) => { if (offset > seen) showTyping(user, where); });
  onTyping(() => typing.publish("typing", { thread: Number(thread) }).catch(() => {}));
}
