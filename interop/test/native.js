// Pages with `river-realtime/pusher`, on River's own protocol, instead of pusher-js.
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import nacl from "tweetnacl";
import { Pusher } from "../../clients/js/pusher/pusher.js";
import { back } from "./river.js";

const { host, wsPort, tokenSecret } = JSON.parse(process.env.RIVER_PUSHER ?? "{}");
// Node 20 has no WebSocket of its own.
const WebSocket = createRequire(new URL("../../clients/js/package.json", import.meta.url))("ws");
const open = new Set();

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The app's auth endpoint, for keys of encrypted channels alone. */
const channelAuthorization = {
  customHandler: ({ socketId, channelName }, call) => call(null, back.authorizeChannel(socketId, channelName)),
};

/** A token of the app's back end, in place of its auth endpoint. */
function token(user) {
  const grants = { subscribe: ["room-*", "cache-*", "private-room-*", "private-encrypted-*", "presence-*"], publish: ["pr*"] };
  const claims = { sub: user, river: { ...grants, info: { name: user } } };
  const text = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}`;
  return `${text}.${createHmac("sha256", tokenSecret).update(text).digest("base64url")}`;
}

/** A page; its user is the token's. */
export function client({ user = "somebody", ...options } = {}) {
  const where = { cluster: "", wsHost: host, wsPort, forceTLS: false, enabledTransports: ["ws", "wss"] };
  const kind = { token: () => token(user), WebSocket, nacl, channelAuthorization };
  const pusher = new Pusher("any", { ...where, ...kind, ...options });
  open.add(pusher);
  return pusher;
}

/** End all pages: no test waits for them. */
export function closeAll() {
  for (const pusher of open) pusher.disconnect();
}
