/** The same as live.js with Pusher's own client, pusher-js: another host, and it works as it is. */

import { showMissed, showState } from "./connection.js";
import { addPost } from "./posts.js";
import { readerJoined, readerLeft, showReaders } from "./readers.js";
import { onTyping, showTyping } from "./typing.js";

const STATES = {
  initialized: "connecting",
  connecting: "connecting",
  connected: "connected",
  unavailable: "waiting",
  failed: "closed",
  disconnected: "closed",
};

const { river, pusherKey, board, thread } = document.body.dataset;
const boards = [...document.querySelectorAll("[data-board]")].map((node) => node.dataset.board);
const { protocol, hostname, port, pathname } = new URL(river);

const pusher = new window.Pusher(pusherKey, {
  cluster: "", // has no meaning here, and pusher-js wants it
  wsHost: hostname,
  wsPort: port || 80,
  wssPort: port || 443,
  // With a name of its own the page is sent what it missed.
  wsPath: `${pathname.replace(/\/$/, "")}/t/${Date.now().toString(36)}-${pageName()}`,
  forceTLS: protocol === "https:",
  enabledTransports: ["ws", "wss"],
  channelAuthorization: {
    endpoint: "/pusher/auth",
    transport: "ajax",
    params: { csrf: document.querySelector("input[name=csrf]").value },
  },
});
pusher.connection.bind("state_change", ({ current }) => showState({ state: STATES[current] }));
showState({ state: STATES[pusher.connection.state] });

for (const name of boards) {
  const posts = pusher.subscribe(`board-${name}`);
  posts.bind("post", addPost);
  posts.bind("river:gap", showMissed);
}

if (board) {
  const readers = pusher.subscribe(`presence-board-${board}`);
  const list = { count: 0, members: new Map() };
  const update = () => {
    list.count = readers.members.count;
    list.members.clear();
    readers.members.each(({ id, info }) => list.members.set(id, info));
  };
  readers.bind("pusher:subscription_succeeded", () => {
    update();
    showReaders(list);
  });
  readers.bind("pusher:member_added", ({ id, info }) => {
    update();
    readerJoined({ user: id, info });
  });
  readers.bind("pusher:member_removed", ({ id, info }) => {
    update();
    readerLeft({ user: id, info });
  });
  readers.bind("client-typing", (where, { user_id }) => showTyping(user_id, where));
  onTyping(() => readers.trigger("client-typing", { thread: Number(thread) }));
}

/** As `crypto.randomUUID`, which a page without TLS does not have. */
function pageName() {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
