/** Reads a stream of Server-Sent Events as far as River writes it (HTML, section 9.2.6). */
/**
 * Call back with the data of each event.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {{heard: () => void, message: (text: string) => void}} listener `heard` is called for all that
 *   comes, comments too
 * @returns {Promise<void>} when the stream ends; rejected when it breaks
 */
export declare function readEvents(body: ReadableStream<Uint8Array>, { heard, message }: {
    heard: () => void;
    message: (text: string) => void;
}): Promise<void>;
