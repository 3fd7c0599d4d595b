/** What is used where WebSockets do not come through, until they do. */

import { HttpSocket, httpUrl } from "./http-socket.js";

/** How long the answer may take that shows that River is reached at all. */
const CHECK_MS = 10_000;
/** When WebSockets are tried again, at first and at most; each client at a time of its own. */
const RETRY_MS = 60_000;
const RETRY_MS_MAX = 3_600_000;
/** What cuts a WebSocket is given so long to do it. */
const TRIAL_MS = 12_000;
const TRIAL_OPEN_MS = 10_000;

/** @typedef {import("./connection.js").SocketClass} SocketClass */

/** @type {Map<string, number>} when a WebSocket is tried next, by address: each failure doubles it */
const retries = new Map();

/**
 * * Have sockets without WebSockets used.
 *
 * While one of them is open, WebSockets are tried again from time to time. When one holds, they are used
 * again, and the clients are asked to move.
 *
 * @param {string} url
 * @param {SocketClass} WebSocket
 * @param {(Socket: SocketClass) => void} use is given the class, and later that of WebSockets
 * @returns {Promise<void>} rejected when River is not reached without a WebSocket either: it is
 *   down, and not the WebSocket that is in the way
 */
export async function fallback(url, WebSocket, use) {
  const options = {
    signal: AbortSignal.timeout(CHECK_MS),
    cache: /** @type {const} */ ("no-store"),
  };
  const answer = await fetch(`${httpUrl(url)}/events?mode=poll`, options);
  // It says that channels are missing, or a token.
  if (!(await answer.json()).error) throw new Error("not River");
  const open = new Set();
  let trying = false;
  const trial = async () => {
    if (trying) return;
    trying = true;
    while (open.size > 0) {
      const waitMs = retries.get(url) ?? RETRY_MS;
      await moment(waitMs * (1 + Math.random()));
      if (open.size > 0 && (await holds(url, WebSocket))) {
        retries.set(url, Math.min(2 * waitMs, RETRY_MS_MAX));
        use(WebSocket);
        for (const socket of open) socket.move();
        break;
      }
      retries.set(url, Math.min(2 * waitMs, RETRY_MS_MAX));
    }
    trying = false;
  };
  use(
    class extends HttpSocket {
      /** @param {string} address */
      constructor(address) {
        super(address);
        open.add(this);
        this.ended.then(() => open.delete(this));
        trial();
      }
    },
  );
}

/**
 * Whether a WebSocket opens, carries messages both ways, and still does after a while.
 *
 * @param {string} url
 * @param {SocketClass} WebSocket
 * @returns {Promise<boolean>}
 */
async function holds(url, WebSocket) {
  /** @type {import("./connection.js").Socket | undefined} */
  let socket;
  try {
    const tried = new WebSocket(url);
    socket = tried;
    const closed = new Promise((resolve) => {
      tried.onclose = () => resolve(false);
      tried.onerror = () => {};
    });
    const answered = () =>
      new Promise((resolve) => {
        tried.onmessage = (/** @type {{data: unknown}} */ { data }) => {
          if (String(data).includes('"pong"')) resolve(true);
        };
        tried.send('{"type":"ping","id":1}');
      });
    const opened = new Promise((resolve) => {
      tried.onopen = () => resolve(answered());
    });
    const late = () => moment(TRIAL_OPEN_MS).then(() => false);
    if (!(await Promise.race([opened, closed, late()]))) return false;
    if ((await Promise.race([closed, moment(TRIAL_MS)])) === false) return false;
    return Boolean(await Promise.race([answered(), closed, late()]));
  } catch {
    return false;
  } finally {
    socket?.close();
  }
}

/** @param {number} delayMs */
function moment(delayMs) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    // A program on Node ends when nothing else is left to do.
    /** @type {any} */ (timer).unref?.();
  });
}
