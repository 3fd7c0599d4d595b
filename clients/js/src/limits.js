/** How long the client waits, and how much it keeps. In one file without imports: so bundlers inline them. */

/** An attempt to connect may take so long, and the answer to the token as long again. */
export const OPEN_MS = 10_000;
/** After so long a silence the server is asked whether it is there. */
export const QUIET_MS = 30_000;
/** It has so long to answer, */
export const PONG_MS = 10_000;
/** and only so long when the machine has just woken: most likely the connection is dead. */
export const WAKE_PONG_MS = 5_000;
/** A server that said something so short a time ago is not asked. */
export const RECENT_MS = 3_000;
/**
 * A connection that did not last this long, or not as long as the outage before it, does not count as a
 * success: the outage goes on.
 */
export const STABLE_MS = 2_000;
/** `tick` is asked for at least this often; one that comes much later means that the machine slept. */
export const PULSE_MS = 5_000;
export const ASLEEP_MS = 10_000;
/** The attempt whose back-off spreads the questions for another token. */
export const ASK_AGAIN = 5;

/** The token function may take so long. */
export const TOKEN_MS = 10_000;
/** The snapshot function may take so long. */
export const SNAPSHOT_MS = 30_000;
/** After a gap clients reload at a time of their own within this, */
export const RELOAD_MS = 5_000;
/** and within this when most likely they alone were away for too long. */
export const WINDOW_RELOAD_MS = 1_000;
/** The server may take so long to answer a question. */
export const ANSWER_MS = 10_000;
/** So many questions about history may wait for a connection. */
export const READS_MAX = 100;

/** A message may be so long, unless the server says otherwise. */
export const MESSAGE_BYTES_MAX = 65_536;
/** A page so far behind drops the connection, and resumes when it has caught up. */
export const INBOX_MAX = 100_000;
/** While a snapshot is loaded so many events wait; with more, another snapshot is cheaper. */
export const HELD_MAX = 10_000;
