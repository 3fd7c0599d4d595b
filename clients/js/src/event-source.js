/** Reads a stream of Server-Sent Events as far as River writes it (HTML, section 9.2.6). */

/**
 * Call back with the data of each event.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {{heard: () => void, message: (text: string) => void}} listener `heard` is called for all that
 *   comes, comments too
 * @returns {Promise<void>} when the stream ends; rejected when it breaks
 */
export async function readEvents(body, { heard, message }) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    rest += decoder.decode(value, { stream: true });
    const events = rest.split("\n\n");
    rest = /** @type {string} */ (events.pop());
    for (const event of events)
      for (const line of event.split("\n")) if (line.startsWith("data: ")) message(line.slice(6));
  }
}
