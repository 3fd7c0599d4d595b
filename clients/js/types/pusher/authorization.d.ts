/** What pusher-js asks for leave to subscribe: here it is asked for the keys of encrypted channels alone. */
export type Answer = {
    auth?: string;
    shared_secret?: string;
};
export type Callback = (error: any, answer: Answer | null) => void;
export type Endpoint = {
    /**
     * `/pusher/auth` by default
     */
    endpoint?: string;
    params?: Record<string, string>;
    headers?: Record<string, string>;
    paramsProvider?: () => Record<string, string>;
    headersProvider?: () => Record<string, string>;
    transport?: string;
    customHandler?: (request: {
        socketId: string;
        channelName: string;
    }, callback: Callback) => void;
};
export type Authorizer = (channel: any, options: any) => {
    authorize: (socketId: string, callback: Callback) => void;
};
export type Asked = {
    channelAuthorization?: Endpoint;
    authEndpoint?: string;
    auth?: {
        params?: Record<string, string>;
        headers?: Record<string, string>;
    };
    authorizer?: Authorizer;
};
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
export declare function sharedSecret(options: Asked, channel: {
    name: string;
}, socketId: string): Promise<string>;
