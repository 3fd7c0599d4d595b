/** What a TypeScript user writes: it is compiled, never run. */

import { River, type RiverError } from "../src/river.js";

interface Post {
  id: number;
  text: string;
}

const river = new River({
  host: "https://rt.example.com",
  token: async () => "a token",
  queue: 10,
});
new River({ url: "localhost:8000", jwt: "a token" });

const board = river.subscribe<{ post: Post; typing: { user: string } }>("presence-board", {
  history: 20,
  since: { epoch: "e", offset: 1 },
  onGap: ({ reason, offset }) => console.log(reason, offset + 1),
  snapshot: async ({ epoch, offset }) => ({ epoch, offset }),
});

board
  .bind("post", (post, event) => console.log(post.text, event.offset + 1, event.user))
  .on("typing", ({ user }) => console.log(user))
  .bind("*", (data, event) => console.log(event.event, data))
  .bind("river:subscribed", ({ recovered }) => console.log(recovered))
  .bind("river:gap", ({ reason }) => console.log(reason))
  .bind("river:joined", ({ user, info }) => console.log(user, info))
  .bind("river:left", ({ user }) => console.log(user))
  .bind("river:presence", ({ count, members }) => console.log(count, members.size))
  .bind("river:error", (error: RiverError) => console.log(error.code))
  .unbind("post")
  .off("typing");

// @ts-expect-error: a post has no such field
board.bind("post", (post) => console.log(post.title));
// @ts-expect-error: typing says who
board.publish("typing", { name: "ada" });

const position: { epoch: string; offset: number } = await board.publish("typing", { user: "ada" });
const { publications } = await board.history({ limit: 10, after: position });
console.log(publications[0]?.event, board.name, board.live, board.position?.offset);
console.log(board.presence.count, [...board.presence.members.keys()]);

const loose = river.subscribe("dogs");
loose.bind("post", (data) => console.log(data.anything));
await loose.publish("post", { any: ["thing"] });

await river.publish("dogs", "post", 1);
river.on("state", ({ state, reason, retryInMs, error }) => {
  const known: "connecting" | "connected" | "waiting" | "closed" = state;
  console.log(known, reason, retryInMs, error?.message);
});
river.off("state");
river.debug();
river.debug((line, what) => console.log(line, what));
river.debug(false);
console.log(river.state, river.reason, river.user);
river.unsubscribe("dogs");
river.disconnect();
river.connect();
