/** The native dialect: what goes over the wire. */

/** The channel of the token's user, which the server subscribes to. */
export const OWN = "#user";

/**
 * @typedef {{epoch: string, offset: number}} Position where a channel's log stands
 * @typedef {{user: string, info?: Record<string, unknown>}} Member
 * @typedef {{offset: number, event: string, data: unknown, user?: string}} Publication
 *   `user` is the author, when it was a client
 *
 * @typedef {{type: "authenticated", id?: string, user: string, expires_at: number | null,
 *   session?: string, user_position?: Placed}} Authenticated `session`: the one that is continued, or
 *   else the own one; `user_position`: where the channel of the page's user is live from
 * @typedef {{recovered: boolean, reason?: string} & Position} Placed
 * @typedef {{type: "bye", reason: string, retry_after_ms?: number}} Bye
 * @typedef {{type: "error", id?: number | string | null, code: string, message: string,
 *   retry_after_ms?: number}} Refusal `retry_after_ms`: the same may be taken then
 * @typedef {{count: number, members: Member[]}} MemberList
 * @typedef {{type: "subscribed", id: number | string, channel: string, presence?: MemberList,
 *   reload_after_ms?: number} & Placed} Subscribed
 * @typedef {{type: "event", channel: string, event: string, data: unknown, user?: string,
 *   offset?: number, after?: number}} EventMessage one that no log keeps has `after` for its `offset`
 * @typedef {{type: "gap", channel: string, reload_after_ms?: number, retry_after_ms?: number}
 *   & Position} Gap when to load the state again, where the server spreads its clients
 * @typedef {{type: "joined", channel: string} & Member} Joined
 * @typedef {{type: "left", channel: string} & Member} Left
 * @typedef {{type: "presence", id?: number, channel: string} & MemberList} PresenceMessage
 * @typedef {Subscribed | EventMessage | Gap | Joined | Left | PresenceMessage} ChannelMessage
 * @typedef {{epoch: string, offset?: number, after?: number}} Receipt where an event stands in its channel;
 *   one that is not kept follows `after`
 * @typedef {{keep?: boolean, exclude?: string}} PublishOptions `keep: false`: to those who are connected
 *   now, and to no history; `exclude`: the session that does not get it, `river.session` for this page
 * @typedef {{type: "published", id: number} & Receipt} Published
 * @typedef {{type: "history", id: number, publications: Publication[]} & Position} HistoryMessage
 * @typedef {{type: "unsubscribed", id?: number, channel: string, reason?: string}} Unsubscribed `reason`:
 *   the server ended it: `grant`, a renewed token does not cover it; `removed`, by the back end
 * @typedef {{type: "welcome", session: string, resume_session?: string,
 *   max_message_bytes?: number}} Welcome
 * @typedef {{type: "pong"}} Pong
 * @typedef {Authenticated | Bye | Refusal | ChannelMessage | Published | HistoryMessage | Unsubscribed
 *   | Welcome | Pong} ServerMessage
 *
 * @typedef {{type: string, id?: number | string, channel?: string} & Record<string, unknown>} ClientMessage
 */

/**
 * Read one message of the server.
 *
 * Its fields are taken on trust: the server's conformance cases check them.
 *
 * @param {unknown} text
 * @returns {ServerMessage | null} null when this is not River's protocol
 */
export function decode(text) {
  try {
    const message = JSON.parse(/** @type {string} */ (text));
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}

/** @param {ClientMessage} message */
export function encode(message) {
  return JSON.stringify(message);
}
