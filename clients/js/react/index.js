"use client";

/** Hooks for React 18 and later. They reach for the network in effects only: servers can render them. */

import {
  createContext,
  createElement,
  useCallback,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";

/**
 * @typedef {import("../src/river.js").River} River
 * @typedef {import("../src/river.js").EventDetail} EventDetail
 * @typedef {import("../src/river.js").SystemEvents} SystemEvents
 * @typedef {import("../src/river.js").SubscribeOptions} SubscribeOptions
 * @typedef {import("../src/river.js").PublishOptions} PublishOptions
 * @typedef {import("../src/river.js").Receipt} Receipt
 * @typedef {import("../src/river.js").RiverError} RiverError
 * @typedef {import("../src/status.js").State} State
 */

/**
 * @template E the application's events: their names and data
 * @typedef {{[K in keyof E]?: (data: E[K], event: EventDetail) => void}
 *   & {[K in keyof SystemEvents]?: (detail: SystemEvents[K]) => void}
 *   & {"*"?: (data: unknown, event: EventDetail) => void}} Handlers
 */

/** @type {(keyof SystemEvents)[]} */
const SYSTEM = ["river:subscribed", "river:gap", "river:error"];
const PRESENCE = /** @type {const} */ (["river:presence", "river:joined", "river:left"]);
/** @typedef {{live: boolean, error: RiverError | null}} ChannelStatus */

/** @type {ChannelStatus} */
const IDLE = { live: false, error: null };
/** What a server renders, and the first render in the browser with it. */
const BEFORE = "connecting\nnot connected yet";
/** @type {{count: number, members: ReadonlyMap<string, Record<string, unknown> | undefined>}} */
const NOBODY = { count: 0, members: new Map() };

/** Who wants to know that a snapshot of a channel is there, or failed. @type {WeakMap<object, Set<() => void>>} */
const awaiting = new WeakMap();

const Context = createContext(/** @type {River | null} */ (null));

/**
 * Gives all hooks below it the client to use.
 *
 * @param {{river: River, children?: import("react").ReactNode}} props
 */
export function RiverProvider({ river, children }) {
  return createElement(Context.Provider, { value: river }, children);
}

/**
 * The client of the `RiverProvider` above.
 *
 * @returns {River}
 */
export function useRiver() {
  const river = useContext(Context);
  if (!river) throw new Error("there is no <RiverProvider river={river}> above this component");
  return river;
}

/**
 * The state of the connection.
 *
 * @returns {{state: State, reason: string}}
 */
export function useConnection() {
  const river = useRiver();
  const listen = useCallback(
    (/** @type {() => void} */ changed) => {
      river.on("state", changed);
      return () => {
        river.off("state", changed);
      };
    },
    [river],
  );
  const text = useSyncExternalStore(
    listen,
    () => `${river.state}\n${river.reason}`,
    () => BEFORE,
  );
  const [state, reason = ""] = text.split("\n");
  return { state: /** @type {State} */ (state), reason };
}

/**
 * Subscribe while the component is shown. Handlers may change with each render; the channel stays.
 *
 * @template [E=Record<string, unknown>]
 * @param {string | null | undefined} name without one nothing is subscribed
 * @param {Handlers<E>} [handlers] by the names of the events
 * @param {SubscribeOptions} [options] as they are when the component is shown first
 * @returns {{live: boolean, error: RiverError | null,
 *   publish: <K extends keyof E & string>(event: K, data: E[K], options?: PublishOptions) =>
 *   Promise<Receipt>}} whether events arrive (not while the snapshot is still to come), why the server refused the channel, and a function to
 *   publish that stays the same
 */
export function useChannel(name, handlers = {}, options = {}) {
  const river = useRiver();
  const latest = useRef({ handlers, options });
  // With the name: the first render with another one knows nothing of its channel.
  const [known, setKnown] = useState({ name, status: IDLE });
  const heed = useRef(() => {});
  useEffect(() => {
    latest.current = { handlers, options };
    heed.current();
  });
  useEffect(() => {
    if (!name) return undefined;
    const { snapshot, ...others } = latest.current.options;
    /** @type {import("../src/delivery.js").Snapshot} */
    const load = async (why) => {
      try {
        return await (latest.current.options.snapshot ?? snapshot)?.(why);
      } finally {
        // The channel is live a little later.
        setTimeout(() => {
          for (const look of awaiting.get(channel) ?? []) look();
        });
      }
    };
    const channel = river.subscribe(name, { ...others, snapshot: snapshot && load });
    const keep = (/** @type {ChannelStatus} */ status) => setKnown({ name, status });
    const listening = listen(channel, () => latest.current.handlers, keep);
    heed.current = listening.heed;
    const changed = () => {
      const { live } = channel;
      setKnown(({ status }) => ({ name, status: { live, error: live ? null : status.error } }));
    };
    river.on("state", changed);
    const looks = awaiting.get(channel) ?? new Set();
    awaiting.set(channel, looks.add(changed));
    changed();
    return () => {
      heed.current = () => {};
      listening.end();
      river.off("state", changed);
      looks.delete(changed);
      channel.unsubscribe();
      keep(IDLE);
    };
  }, [river, name]);
  const publish = useCallback(
    (
      /** @type {string} */ event,
      /** @type {unknown} */ data,
      /** @type {PublishOptions | undefined} */ options,
    ) => river.publish(name ?? "", event, data, options),
    [river, name],
  );
  return { ...(known.name === name ? known.status : IDLE), publish };
}

/**
 * Call the handlers of the newest render, and keep the status.
 *
 * @param {import("../src/river.js").Channel} channel
 * @param {() => object} handlers
 * @param {(status: ChannelStatus) => void} setStatus
 * @returns {{heed: () => void, end: () => void}} `heed` looks again at which handlers there are
 */
function listen(channel, handlers, setStatus) {
  /** @type {(name: string, ...args: unknown[]) => void} */
  const call = (name, ...args) => {
    const own = /** @type {Record<string, (...args: unknown[]) => void>} */ (handlers());
    if (Object.hasOwn(own, name)) own[name]?.(...args);
  };
  /** @type {(data: unknown, event: EventDetail) => void} */
  const onEvent = (data, event) => {
    // Whatever name a publisher chose, it cannot call what River itself says.
    if (!event.event.startsWith("river:")) call(event.event, data, event);
    call("*", data, event);
  };
  channel.on("*", onEvent);
  /** @type {Map<string, () => void>} */
  const ends = new Map();
  const bind = (/** @type {keyof SystemEvents} */ name) => {
    const onSystem = (/** @type {any} */ detail) => {
      const { live } = channel;
      if (name === "river:subscribed") setStatus({ live, error: null });
      if (name === "river:gap") setStatus({ live, error: null });
      if (name === "river:error") setStatus({ live, error: detail });
      call(name, detail);
    };
    channel.on(name, onSystem);
    ends.set(name, () => channel.off(name, onSystem));
  };
  for (const name of SYSTEM) bind(name);
  // Those of members only for who asked: elsewhere the client warns that they never come.
  const heed = () => {
    for (const name of PRESENCE) if (!ends.has(name) && Object.hasOwn(handlers(), name)) bind(name);
  };
  heed();
  const end = () => {
    channel.off("*", onEvent);
    for (const unbind of ends.values()) unbind();
  };
  return { heed, end };
}

/**
 * Who is on a channel whose name begins with `presence-`, for as long as the component is shown.
 *
 * @param {string | null | undefined} name without one nothing is subscribed
 * @returns {{count: number, members: ReadonlyMap<string, Record<string, unknown> | undefined>}} the list
 *   of a large channel is not complete, the count is
 */
export function usePresence(name) {
  const river = useRiver();
  const [known, setKnown] = useState({ name, present: NOBODY });
  useEffect(() => {
    if (!name) return undefined;
    const channel = river.subscribe(name);
    const update = () => {
      const { count, members } = channel.presence;
      setKnown({ name, present: { count, members: new Map(members) } });
    };
    for (const event of PRESENCE) channel.on(event, update);
    update();
    return () => {
      for (const event of PRESENCE) channel.off(event, update);
      channel.unsubscribe();
      setKnown({ name, present: NOBODY });
    };
  }, [river, name]);
  return known.name === name ? known.present : NOBODY;
}
