/** How long the client waits, and how much it keeps. In one file without imports: so bundlers inline them. */
/** An attempt to connect may take so long, and the answer to the token as long again. */
export declare const OPEN_MS = 10000;
/** After so long a silence the server is asked whether it is there. */
export declare const QUIET_MS = 30000;
/** It has so long to answer, */
export declare const PONG_MS = 10000;
/** and only so long when the machine has just woken: most likely the connection is dead. */
export declare const WAKE_PONG_MS = 5000;
/** A server that said something so short a time ago is not asked. */
export declare const RECENT_MS = 3000;
/**
 * A connection that did not last this long, or not as long as the outage before it, does not count as a
 * success: the outage goes on.
 */
export declare const STABLE_MS = 2000;
/** `tick` is asked for at least this often; one that comes much later means that the machine slept. */
export declare const PULSE_MS = 5000;
export declare const ASLEEP_MS = 10000;
/** The attempt whose back-off spreads the questions for another token. */
export declare const ASK_AGAIN = 5;
/** The token function may take so long. */
export declare const TOKEN_MS = 10000;
/** The snapshot function may take so long. */
export declare const SNAPSHOT_MS = 30000;
/** After a gap clients reload at a time of their own within this, */
export declare const RELOAD_MS = 5000;
/** and within this when most likely they alone were away for too long. */
export declare const WINDOW_RELOAD_MS = 1000;
/** The server may take so long to answer a question. */
export declare const ANSWER_MS = 10000;
/** So many questions about history may wait for a connection. */
export declare const READS_MAX = 100;
/** A message may be so long, unless the server says otherwise. */
export declare const MESSAGE_BYTES_MAX = 65536;
/** A page so far behind drops the connection, and resumes when it has caught up. */
export declare const INBOX_MAX = 100000;
/** While a snapshot is loaded so many events wait; with more, another snapshot is cheaper. */
export declare const HELD_MAX = 10000;
