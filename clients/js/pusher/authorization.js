/** What pusher-js asks for leave to subscribe: here it is asked for the keys of encrypted channels alone. */

/** How long an answer may take. */
const ANSWER_MS = 10_000;

/**
 * @typedef {{auth?: string, shared_secret?: string}} Answer
 * @typedef {(error: any, answer: Answer | null) => void} Callback
 *
 * @typedef {object} Endpoint
 * @property {string} [endpoint] `/pusher/auth` by default
 * @property {Record<string, string>} [params]
 * @property {Record<string, string>} [headers]
 * @property {() => Record<string, string>} [paramsProvider]
 * @property {() => Record<string, string>} [headersProvider]
 * @property {string} [transport]
 * @property {(request: {socketId: string, channelName: string}, callback: Callback) => void} [customHandler]
 *
 * @typedef {(channel: any, options: any) => {authorize: (socketId: string, callback: Callback) => void}} Authorizer
 *
 * @typedef {object} Asked whom to ask, in the options of pusher-js, new and old
 * @property {Endpoint} [channelAuthorization]
 * @property {string} [authEndpoint]
 * @property {{params?: Record<string, string>, headers?: Record<string, string>}} [auth]
 * @property {Authorizer} [authorizer]
 */

/**
 * The key of an encrypted channel, as text; empty if none came.
 *
 * @param {Asked} options
 * @param {{name: string}} channel
 * @param {string} socketId
 */
export async function sharedSecret(options, channel, socketId) {
  return (await soon(answer(options, channel, socketId)))?.shared_secret ?? "";
}

/**
 * @param {Asked} options
 * @param {{name: string}} channel
 * @param {string} socketId
 * @returns {Promise<Answer | null>}
 */
function answer(options, channel, socketId) {
  const { authEndpoint, auth, authorizer, channelAuthorization } = options;
  const asked = channelAuthorization ?? { endpoint: authEndpoint, ...auth };
  const { customHandler } = asked;
  if (customHandler)
    return called((callback) => customHandler({ socketId, channelName: channel.name }, callback));
  if (authorizer && !channelAuthorization)
    return called((callback) => authorizer(channel, options).authorize(socketId, callback));
  return posted(asked, { socket_id: socketId, channel_name: channel.name });
}

/**
 * @param {(callback: Callback) => void} ask
 * @returns {Promise<Answer | null>}
 */
function called(ask) {
  return new Promise((resolve, reject) =>
    ask((error, given) => (error ? reject(error) : resolve(given))),
  );
}

/**
 * @param {Endpoint} asked
 * @param {Record<string, string>} question
 * @returns {Promise<Answer>}
 */
async function posted(asked, question) {
  const { endpoint = "/pusher/auth", params, headers, paramsProvider, headersProvider } = asked;
  const response = await fetch(endpoint, {
    method: "POST",
    headers: {
      "Content-Type": "application/x-www-form-urlencoded",
      ...headers,
      ...headersProvider?.(),
    },
    body: String(new URLSearchParams({ ...question, ...params, ...paramsProvider?.() })),
  });
  const { status } = response;
  if (status !== 200) throw Object.assign(new Error(`${endpoint} answered ${status}`), { status });
  return response.json();
}

/**
 * @template T
 * @param {Promise<T>} asked
 * @returns {Promise<T>}
 */
function soon(asked) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no key in 10 s")), ANSWER_MS);
  });
  return Promise.race([asked, late]).finally(() => clearTimeout(timer));
}
