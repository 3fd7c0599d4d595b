/** Several clients on one connection: who asked what, and who subscribes to which channel. No I/O. */

const PAGE = 1_000;

/**
 * @typedef {string} Tab the name of a client
 * @typedef {Record<string, any>} Message
 *
 * @typedef {object} Outlets
 * @property {(message: Message) => void} server
 * @property {(tabs: Tab[], message: Message) => void} tabs
 */

/** A channel that at least one client asked for. */
class SharedChannel {
  ready = false;
  /** Whether the server keeps a list of who is there. */
  hasMembers = false;
  position = { epoch: "", offset: 0 };
  /** Until when, by the wall clock, those reload who were told at once that something is lost. */
  reloadUntil = 0;
  /** @type {Map<Tab, Message>} the question of each client that wants the channel */
  questions = new Map();
  /** @type {Set<Tab>} its subscribers */
  tabs = new Set();
  /** @type {Map<Tab, Message[]>} what waits for those that are about to subscribe */
  held = new Map();

  /** @param {Message} where the channel is live from */
  begin({ presence, ...place }) {
    this.ready = true;
    this.hasMembers = Boolean(presence);
    this.#moved(place);
  }

  /** @param {Message} where the channel goes on */
  #moved({ epoch, offset, reload_after_ms = 0 }) {
    this.position = { epoch, offset };
    this.reloadUntil = Date.now() + reload_after_ms;
  }

  /** @param {Message} message of the server */
  follow(message) {
    const { type, offset } = message;
    if (type === "gap") this.#moved(message);
    else if (type === "event" && offset > this.position.offset) this.position.offset = offset;
  }

  /**
   * What is said to a client that cannot go on where it was: it reloads when the others do.
   *
   * @param {string} reason
   */
  lost(reason) {
    const waitMs = this.reloadUntil - Date.now();
    const reload = waitMs > 0 && { reload_after_ms: waitMs };
    return { ...this.position, recovered: false, reason, ...reload };
  }

  /** @param {Tab} tab */
  leave(tab) {
    this.questions.delete(tab);
    this.tabs.delete(tab);
    this.held.delete(tab);
  }
}

/** The channel of the token's user: all clients have it, and none asks for it. */
const OWN = "#user";

/**
 * Lets several clients speak the protocol over one connection.
 *
 * The server knows one subscription for each channel. A client that comes to a channel later, or comes
 * back to it, is given what it missed by asking the server for its history. What overlaps comes twice:
 * clients leave out what they have seen, by its offset.
 */
export class Multiplexer {
  #lastId = 0;
  /** @type {Map<number, (answer: Message) => void>} */
  #asked = new Map();
  /** @type {Map<string, SharedChannel>} */
  #channels = new Map();
  /** @type {Set<Tab>} */
  #tabs = new Set();
  /** @type {Message | null} what the connection began with */
  #welcome = null;
  /** Where all clients stand in their user's channel. */
  #own = new SharedChannel();
  #out;

  /** @param {Outlets} out */
  constructor(out) {
    this.#out = out;
  }

  /** @param {Tab} tab */
  join(tab) {
    this.#tabs.add(tab);
  }

  /**
   * Tell a client that comes later what the connection began with.
   *
   * @param {Tab} tab
   */
  greet(tab) {
    if (this.#welcome) this.#send(tab, this.#welcome);
  }

  /** @param {Tab} tab */
  leave(tab) {
    this.#tabs.delete(tab);
    for (const [name, shared] of this.#channels) this.#leave(tab, name, shared);
  }

  /**
   * A client says something.
   *
   * @param {Tab} tab
   * @param {Message} message
   */
  fromTab(tab, message) {
    const shared = this.#channels.get(message.channel);
    if (message.type === "subscribe") this.#subscribe(tab, message);
    else if (message.type === "unsubscribe" && shared) {
      this.#leave(tab, message.channel, shared);
      this.#send(tab, { type: "unsubscribed", id: message.id, channel: message.channel });
    } else this.#ask(message, (answer) => this.#send(tab, this.#placed(answered(answer, message))));
  }

  /**
   * The server says something.
   *
   * @param {Message} message
   */
  fromServer(message) {
    if (message.type === "welcome") this.#welcome = message;
    const then = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (then) return then(message);
    const shared = this.#channels.get(message.channel);
    if (message.channel === OWN) this.#follow(message);
    if (!shared) {
      if (!message.channel || message.channel === OWN) this.#out.tabs([...this.#tabs], message);
      return;
    }
    shared.follow(message);
    if (shared.tabs.size > 0) this.#out.tabs([...shared.tabs], message);
    for (const held of shared.held.values()) held.push(message);
    if (message.type === "unsubscribed") this.#channels.delete(message.channel);
  }

  /** @param {Message} message of the user's channel */
  #follow(message) {
    if (message.type === "subscribed") this.#own.begin(message);
    else this.#own.follow(message);
  }

  /**
   * The answer to a token: who comes later begins where the others stand.
   *
   * @param {Message} answer
   * @returns {Message}
   */
  #placed(answer) {
    if (answer.type !== "authenticated") return answer;
    if (answer.user_position) this.#own.begin(answer.user_position);
    else if (this.#own.ready)
      return { ...answer, user_position: { ...this.#own.position, recovered: false } };
    return answer;
  }

  /**
   * @param {Message} message
   * @param {(answer: Message) => void} then
   */
  #ask(message, then) {
    const id = ++this.#lastId;
    this.#asked.set(id, then);
    this.#out.server({ ...message, id });
  }

  /**
   * @param {Tab} tab
   * @param {Message} message
   */
  #send(tab, message) {
    if (this.#tabs.has(tab)) this.#out.tabs([tab], message);
  }

  /**
   * @param {Tab} tab
   * @param {Message} question
   */
  #subscribe(tab, question) {
    const known = this.#channels.get(question.channel);
    const shared = known ?? new SharedChannel();
    shared.questions.set(tab, question);
    if (shared.ready) this.#connect(tab, question, shared);
    if (known) return;
    this.#channels.set(question.channel, shared);
    this.#ask(question, (answer) => this.#opened(tab, question, shared, answer));
  }

  /**
   * @param {Tab} tab
   * @param {Message} question
   * @param {SharedChannel} shared
   * @param {Message} answer
   */
  #opened(tab, question, shared, answer) {
    const current = shared.questions.get(tab) === question;
    if (answer.type === "error") {
      this.#channels.delete(question.channel);
      if (current) shared.questions.delete(tab);
      this.#send(tab, answered(answer, question));
      // The others ask for themselves.
      for (const [other, asked] of shared.questions) this.#subscribe(other, asked);
      return;
    }
    shared.begin(answer);
    if (current) {
      shared.tabs.add(tab);
      this.#send(tab, answered(answer, question));
    }
    for (const [other, asked] of shared.questions)
      if (asked !== question) this.#connect(other, asked, shared);
    this.#unsubscribeIfUnused(question.channel, shared);
  }

  /**
   * Connect a client to a channel that others have subscribed to already.
   *
   * @param {Tab} tab
   * @param {Message} question
   * @param {SharedChannel} shared
   */
  #connect(tab, question, shared) {
    const { channel, epoch, offset, history } = question;
    /** @type {Message[]} */
    const held = [];
    shared.held.set(tab, held);
    /** @type {(subscribed: Message, past?: Message[]) => void} */
    const finish = (subscribed, past = []) => {
      if (shared.held.get(tab) !== held) return;
      shared.held.delete(tab);
      shared.tabs.add(tab);
      this.#send(tab, { type: "subscribed", id: question.id, channel, ...subscribed });
      for (const one of past) this.#send(tab, { type: "event", channel, ...one });
      for (const message of held) this.#send(tab, message);
    };
    /** @type {typeof finish} */
    const withMembers = (subscribed, past) => {
      if (!shared.hasMembers) return finish(subscribed, past);
      this.#ask({ type: "presence", channel }, ({ type, count, members }) =>
        finish(
          type === "error" ? subscribed : { ...subscribed, presence: { count, members } },
          past,
        ),
      );
    };
    if (epoch !== undefined) this.#since({ channel, epoch, offset }, shared, withMembers);
    else if (history) this.#last({ channel, limit: history }, shared, withMembers);
    else withMembers({ ...shared.position, recovered: false });
  }

  /**
   * @param {Message} where
   * @param {SharedChannel} shared
   * @param {(subscribed: Message, past?: Message[]) => void} then
   * @param {Message[]} [past] what was read already
   */
  #since({ channel, epoch, offset }, shared, then, past = []) {
    this.#ask({ type: "history", channel, epoch, offset, limit: PAGE }, (answer) => {
      if (answer.type === "error") return then(shared.lost(answer.message));
      past.push(...answer.publications);
      const last = past.at(-1)?.offset ?? offset;
      if (answer.publications.length < PAGE || last >= answer.offset)
        return then({ epoch, offset: answer.offset, recovered: true }, past);
      return this.#since({ channel, epoch, offset: last }, shared, then, past);
    });
  }

  /**
   * @param {Message} what
   * @param {SharedChannel} shared
   * @param {(subscribed: Message, past?: Message[]) => void} then
   */
  #last({ channel, limit }, shared, then) {
    this.#ask({ type: "history", channel, limit }, ({ type, epoch, offset, publications }) => {
      if (type === "error") then({ ...shared.position, recovered: false });
      else then({ epoch, offset, recovered: false }, publications);
    });
  }

  /**
   * @param {Tab} tab
   * @param {string} name
   * @param {SharedChannel} shared
   */
  #leave(tab, name, shared) {
    shared.leave(tab);
    this.#unsubscribeIfUnused(name, shared);
  }

  /**
   * Leave a channel that nobody uses any more.
   *
   * @param {string} name
   * @param {SharedChannel} shared
   */
  #unsubscribeIfUnused(name, shared) {
    if (!shared.ready || shared.questions.size > 0) return;
    this.#channels.delete(name);
    this.#ask({ type: "unsubscribe", channel: name }, () => {});
  }
}

/**
 * An answer with the id of who asked.
 *
 * @param {Message} answer
 * @param {Message} question
 */
function answered({ id: _, ...answer }, { id }) {
  return id === undefined ? answer : { ...answer, id };
}
