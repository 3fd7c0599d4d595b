/** What a TypeScript user writes: it is compiled, never run. */

import Pusher, { type Members, type PresenceChannel } from "../pusher/pusher.js";
import { RiverProvider, useChannel, useConnection, usePresence, useRiver } from "../react/index.js";
import {
  River as BackEnd,
  RiverError as BackEndError,
  type Counts,
  type Result,
  verifyWebhook,
} from "../server/river.js";
import {
  type Break,
  type Channel,
  type EventDetail,
  type GapDetail,
  type GivenToken,
  type Member,
  type Options,
  type Position,
  type Presence,
  type Publication,
  type PublishOptions,
  type Receipt,
  River,
  type RiverError,
  type Snapshot,
  type State,
  type Status,
  type SubscribeOptions,
  type SystemEvents,
  type TokenSource,
  type TransportName,
} from "../src/river.js";
import { sharedSocket } from "../src/tabs.js";

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
new River({ token: "a token", WebSocket: sharedSocket("ada") });
class Socket extends WebSocket {}
new River({ token: "a token", WebSocket: Socket });

interface Events {
  post: Post;
  typing: { user: string };
}
const board: Channel<Events> = river.subscribe<Events>("presence-board", {
  history: 20,
  since: { epoch: "e", offset: 1 },
  onGap: ({ reason, offset }) => console.log(reason, offset + 1),
  snapshot: async ({ epoch, offset }) => ({ epoch, offset }),
});

board
  .on("post", (post, event) => console.log(post.text, (event.offset ?? 0) + 1, event.user))
  .bind("typing", ({ user }) => console.log(user))
  .bind("*", (data, event) => console.log(event.event, data))
  .bind("river:subscribed", ({ recovered }) => console.log(recovered))
  .bind("river:gap", ({ reason }) => console.log(reason))
  .bind("river:joined", ({ user, info }) => console.log(user, info))
  .bind("river:left", ({ user }) => console.log(user))
  .bind("river:presence", ({ count, members }) => console.log(count, members.size))
  .bind("river:error", (error: RiverError) => console.log(error.code))
  .off("post")
  .unbind("typing");

// @ts-expect-error: a post has no such field
board.bind("post", (post) => console.log(post.title));
// @ts-expect-error: there is no such event
board.on("psot", () => {});
// @ts-expect-error: River says no such thing
board.on("river:gpa", () => {});
// @ts-expect-error: there is no such option
new River({ tokn: "a token" });
// @ts-expect-error: nothing is known about the data of an event that was not described
river.subscribe("dogs").on("post", (post) => post.text);
// @ts-expect-error: typing says who
board.publish("typing", { name: "ada" });

const passing: PublishOptions = { keep: false, exclude: river.session ?? undefined };
const receipt: Receipt = await board.publish("typing", { user: "ada" }, passing);
river.me.on("invited", (data: unknown) => void data);
const position = { epoch: receipt.epoch, offset: receipt.after ?? 0 };
const { publications } = await board.history({ limit: 10, after: position });
console.log(publications[0]?.event, board.name, board.live, board.position?.offset);
console.log(board.presence.count, [...board.presence.members.keys()]);
const way: TransportName = river.transport;
console.log(way);

board.unsubscribe();
river.history("dogs", { limit: 1, after: position });
const say = (reason: Break) => console.log(reason);
const snapshot: Snapshot = async ({ reason }) => say(reason);
board.on("river:gap", (gap: GapDetail) => say(gap.reason));
const more: SubscribeOptions = { snapshot };
const given: GivenToken = await fetch("/river-token");
const token: TokenSource = () => given;
const options: Options = { host: "/rt", token };
type Shown = [EventDetail, Member, Position, Presence, Publication, Status, SystemEvents];
console.log(more, options, {} as Shown);

const loose = river.subscribe("dogs");
loose.on("post", (data) => console.log(data));
await loose.publish("post", { any: ["thing"] });

await river.publish("dogs", "post", 1);
river.on("state", ({ state, reason, retryInMs, error }) => {
  const known: State = state;
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

const nacl = {
  secretbox: { open: () => new Uint8Array(), keyLength: 32, nonceLength: 24, overheadLength: 16 },
};
const pusher = new Pusher("a key", {
  cluster: "eu",
  wsHost: "rt.example.com",
  wsPort: 80,
  wssPort: 443,
  wsPath: "/rt",
  forceTLS: true,
  unavailableTimeout: 5_000,
  channelAuthorization: { endpoint: "/auth" },
  nacl,
  token: async () => "a token",
});
new Pusher("a key", { authEndpoint: "/auth", auth: { headers: { "X-CSRF-Token": "C" } } });
new Pusher("a key", {
  authorizer: ({ name }) => ({ authorize: (_, callback) => callback(new Error(name), null) }),
});
new Pusher("a key", { host: "https://rt.example.com", WebSocket: Socket });
// @ts-expect-error: there is no such option
new Pusher("a key", { tokn: "a token" });
const room = pusher.subscribe("presence-room") as PresenceChannel;
room
  .bind("post", (post: Post, { user_id }: { user_id?: string }) => console.log(post.text, user_id))
  .unbind("post")
  .unbind_all();
const here: Members = room.members;
here.each(({ id, info }) => console.log(id, info, here.get(id), here.count, here.me, here.myID));
const sent: boolean = room.trigger("client-typing", { user: "ada" });
console.log(sent, pusher.send_event("client-typing", {}, "presence-room"), room.subscribed);
pusher.connection.bind("state_change", ({ previous, current }) => console.log(previous, current));
console.log(pusher.connection.state, pusher.connection.socket_id, pusher.channel("dogs")?.name);
pusher.bind("post", console.log).unbind("post").bind_global(console.log).unbind_global();
pusher.unbind_all().signin();
pusher.user.bind("note", console.log);
console.log(pusher.allChannels().length, pusher.user.user_data?.id);
pusher.unsubscribe("presence-room");
pusher.unsubscribeAll();
pusher.disconnect();
pusher.connect();

const backEnd = new BackEnd({
  url: "http://127.0.0.1:8001",
  key: "a key",
  secret: "a secret",
  issuer: "app",
  audience: "river",
  timeoutMs: 1_000,
  deadlineMs: 10_000,
  fetch,
});
const { epoch, offset } = await backEnd.publish(
  "dogs",
  "post",
  { text: "hello" },
  { id: "post-7", keep: true, exclude: "a session" },
);
const [inDogs] = await backEnd.publish(["dogs", "cats"], "post");
console.log(inDogs?.offset, epoch);
// @ts-expect-error: an event has a name
backEnd.publish("dogs");
const [result] = await backEnd.publishBatch([{ channel: "dogs", event: "post", data: 1 }]);
if (result && "error" in result) console.log(result.error.code, result.error.id);
else if (result && "offset" in result) {
  const published: Result = result;
  console.log("offset" in published);
}
const counts: Record<string, Counts> = await backEnd.channels("board-");
console.log(counts["board-dogs"]?.subscribers, (await backEnd.channel("board-dogs")).users);
const past = await backEnd.history("dogs", { after: { epoch, offset }, limit: 10 });
console.log(past.publications[0]?.event, past.offset);
const { count, members } = await backEnd.presence("presence-board");
console.log(count, members[0]?.user);
await backEnd.disconnect("ada");
await backEnd.revoke("ada");
await backEnd.block("ada", { until: new Date() });
await backEnd.unblock("ada");
await backEnd.remove("ada", "dogs");
console.log((await backEnd.user("ada")).connections);
console.log((await backEnd.publishToUser("ada", "post", 1)).offset);
const info = { color: "red" };
const signed: string = await backEnd.token({
  user: "ada",
  ttl_s: 60,
  channels: ["private-user-ada"],
  subscribe: ["*"],
  publish: [],
  info,
});
console.log(signed);
const [event] = await verifyWebhook("a body", {}, { secret: "a secret", toleranceS: 60 });
console.log(event?.type, event?.time_ms);
try {
  await backEnd.publish("dogs", "post");
} catch (error) {
  if (error instanceof BackEndError)
    console.log(error.code, error.status, error.uncertain, error.id);
}

RiverProvider({ river });
export function useEverything() {
  const {
    live,
    error: refusal,
    publish,
  } = useChannel<Events>(
    "dogs",
    {
      post: (post, event) => console.log(post.text, event.offset),
      "river:gap": ({ reloadAfterMs }) => console.log(reloadAfterMs),
      "*": (data) => console.log(data),
    },
    { history: 20 },
  );
  // @ts-expect-error: there is no such event
  useChannel<Events>("dogs", { psot: () => {} });
  useChannel("dogs", { anything: (data) => console.log(data) });
  publish("typing", { user: "ada" });
  const { state, reason } = useConnection();
  console.log(live, refusal?.code, usePresence(null).members.size, useRiver().user, state, reason);
}
