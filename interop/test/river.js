// What all tests begin with: an app's back end, and pages of it.
import { randomUUID } from "node:crypto";
import PusherServer from "pusher";

// Also of an older version.
const { default: PusherModule } = await import(process.env.RIVER_PUSHER_JS ?? "pusher-js");
const Pusher = PusherModule.default ?? PusherModule.Pusher ?? PusherModule;
const { host, wsPort, apiPort, appId, key, secret } = JSON.parse(process.env.RIVER_PUSHER ?? "{}");
const open = new Set();

/** Where pages connect. */
export const wsAddress = { host, port: wsPort };

/** Where the back end sends: to the publish API's port. */
export const backOptions = {
  appId,
  key,
  secret,
  host,
  port: String(apiPort),
  useTLS: false,
  encryptionMasterKeyBase64: Buffer.alloc(32, 7).toString("base64"),
};

export const back = new PusherServer(backOptions);

/** A page, whose auth endpoint is this process. */
export function client({ user = "somebody", ...options } = {}) {
  const about = { user_id: user, user_info: { name: user } };
  const pusher = new Pusher(options.key ?? key, {
    cluster: "",
    wsHost: host,
    wsPort,
    forceTLS: false,
    enabledTransports: ["ws", "wss"],
    channelAuthorization: {
      customHandler: ({ socketId, channelName }, call) => {
        const data = channelName.startsWith("presence-") ? about : undefined;
        call(null, back.authorizeChannel(socketId, channelName, data));
      },
    },
    userAuthentication: {
      customHandler: ({ socketId }, call) => call(null, back.authenticateUser(socketId, { id: user })),
    },
    ...options,
  });
  open.add(pusher);
  return pusher;
}

/** A channel's name that nobody else has. */
export const name = () => `room-${randomUUID()}`;

/** The data of the next event. */
export const next = (emitter, event) =>
  new Promise((done) => {
    const once = (data) => {
      emitter.unbind(event, once);
      done(data);
    };
    emitter.bind(event, once);
  });

/** A channel that is live. */
export async function subscribed(pusher, channelName) {
  const channel = pusher.subscribe(channelName);
  await next(channel, "pusher:subscription_succeeded");
  return channel;
}

/** End all pages: no test waits for them. */
export function closeAll() {
  for (const pusher of open) pusher.disconnect();
}
