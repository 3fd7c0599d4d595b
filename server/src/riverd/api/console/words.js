// What codes mean, in plain words.

export const CLOSE_CODES = [
  ["4400", "Not the protocol", "The client sent something that is not River's protocol. It does not come back by itself.", "Look for an old or a foreign client at this address."],
  ["4401", "Not authenticated", "The token was bad, has expired, or was revoked. Clients ask their app for a new one.", "If many: are RIVER_SECRETS those that your app signs with? Do the clocks agree?"],
  ["4403", "Disconnected by the back end", "Somebody ordered it, or the user is blocked. The client stays away.", "See who is blocked under Users."],
  ["4408", "No token in time", "The connection was open for RIVER_AUTH_TIMEOUT_S and sent no token.", "If many: your app's token endpoint may be slow or refuse."],
  ["4413", "Message too large", "A client sent more than RIVER_MAX_MESSAGE_BYTES.", ""],
  ["4429", "Too fast, or too slow to read", "It sent more than RIVER_CLIENT_RATE, or read nothing for a ping interval.", "Slow ones: phones that sleep, pages that are busy."],
  ["4503", "Full or draining", "This gateway has no room or is being stopped. Clients go elsewhere.", "If it stays: add gateways, or raise RIVER_MAX_CONNECTIONS."],
  ["1000, 1001", "The client left", "A page was closed or left. Nothing is wrong.", ""],
  ["1006", "Lost", "The connection ended without a close frame: a network, a phone, a proxy's timeout.", "If many at once: look at the proxy in front, river doctor tells."],
  ["1011", "River's fault", "Something failed in the gateway.", "The gateway's log has a line for each."],
  ["4000 to 4299", "Pusher's codes", "Clients of the Pusher protocol: 40xx do not come back, 41xx later, 42xx at once.", ""],
];

export const REASONS = {
  confirmed: ["It arrived", "good"],
  had: ["It arrived", "good"],
  written: ["Written, not proven", "warn"],
  blocked: ["Waits: the client does not read", "warn"],
  behind: ["On its way", "warn"],
  excluded: ["Left out on purpose", ""],
  gap: ["Notified of a gap", "warn"],
  ended_before: ["Gone before it", "bad"],
  subscribed_later: ["Came after it", "bad"],
  no_grant: ["No grant", "bad"],
  not_subscribed: ["Not subscribed", "bad"],
  not_connected: ["Not connected", "bad"],
  not_published: ["No such publication", "bad"],
  unknown: ["Nobody can know", "warn"],
};

/** What a trace sees happen. */
export const TRACED = {
  "is connected": ["is connected", "good"],
  connected: ["connected", "good"],
  authenticated: ["logged in", "good"],
  subscribed: ["subscribed after", ""],
  sent: ["sent", ""],
  given: ["arrived here", ""],
  blocked: ["does not read", "warn"],
  drained: ["reads again", "good"],
  gap: ["gap up to", "warn"],
  refused: ["refused", "bad"],
  unsubscribed: ["unsubscribed at", ""],
  ended: ["ended", ""],
  dropped: ["left out", "warn"],
  limited: ["not all is followed", "warn"],
};
