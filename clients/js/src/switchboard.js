/** Several clients on one connection: who asked what, and who hears which channel. No I/O. */

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
class Line {
  ready = false;
  position = { epoch: "", offset: 0 };
  /** @type {Map<Tab, Message>} the question of each client that wants the channel */
  questions = new Map();
  /** @type {Set<Tab>} those who hear it */
  tabs = new Set();
  /** @type {Map<Tab, Message[]>} what those will hear who are about to */
  held = new Map();

  /** @param {Message} message of the server */
  note({ type, epoch, offset }) {
    if (type === "gap") this.position = { epoch, offset };
    else if (type === "event" && offset > this.position.offset) this.position.offset = offset;
  }

  /** @param {Tab} tab */
  leave(tab) {
    this.questions.delete(tab);
    this.tabs.delete(tab);
    this.held.delete(tab);
  }
}

/**
 * Lets several clients speak the protocol over one connection.
 *
 * The server knows one subscription for each channel. A client that comes to a channel later, or comes
 * back to it, is given what it missed by asking the server for its history. What overlaps comes twice:
 * clients leave out what they have seen, by its offset.
 */
export class Switchboard {
  #lastId = 0;
  /** @type {Map<number, (answer: Message) => void>} */
  #asked = new Map();
  /** @type {Map<string, Line>} */
  #lines = new Map();
  /** @type {Set<Tab>} */
  #tabs = new Set();
  #out;

  /** @param {Outlets} out */
  constructor(out) {
    this.#out = out;
  }

  /** @param {Tab} tab */
  join(tab) {
    this.#tabs.add(tab);
  }

  /** @param {Tab} tab */
  leave(tab) {
    this.#tabs.delete(tab);
    for (const [name, line] of this.#lines) this.#leave(tab, name, line);
  }

  /**
   * A client says something.
   *
   * @param {Tab} tab
   * @param {Message} message
   */
  said(tab, message) {
    const line = this.#lines.get(message.channel);
    if (message.type === "subscribe") this.#subscribe(tab, message);
    else if (message.type === "unsubscribe" && line) {
      this.#leave(tab, message.channel, line);
      this.#tell(tab, { type: "unsubscribed", id: message.id, channel: message.channel });
    } else this.#ask(message, (answer) => this.#tell(tab, answered(answer, message)));
  }

  /**
   * The server says something.
   *
   * @param {Message} message
   */
  heard(message) {
    const then = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (then) return then(message);
    const line = this.#lines.get(message.channel);
    if (!line) {
      if (!message.channel) this.#out.tabs([...this.#tabs], message);
      return;
    }
    line.note(message);
    if (line.tabs.size > 0) this.#out.tabs([...line.tabs], message);
    for (const held of line.held.values()) held.push(message);
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
  #tell(tab, message) {
    if (this.#tabs.has(tab)) this.#out.tabs([tab], message);
  }

  /**
   * @param {Tab} tab
   * @param {Message} question
   */
  #subscribe(tab, question) {
    const known = this.#lines.get(question.channel);
    const line = known ?? new Line();
    line.questions.set(tab, question);
    if (line.ready) this.#connect(tab, question, line);
    if (known) return;
    this.#lines.set(question.channel, line);
    this.#ask(question, (answer) => this.#opened(tab, question, line, answer));
  }

  /**
   * @param {Tab} tab
   * @param {Message} question
   * @param {Line} line
   * @param {Message} answer
   */
  #opened(tab, question, line, answer) {
    const current = line.questions.get(tab) === question;
    if (answer.type === "error") {
      this.#lines.delete(question.channel);
      if (current) line.questions.delete(tab);
      this.#tell(tab, answered(answer, question));
      // The others ask for themselves.
      for (const [other, asked] of line.questions) this.#subscribe(other, asked);
      return;
    }
    line.ready = true;
    line.position = { epoch: answer.epoch, offset: answer.offset };
    if (current) {
      line.tabs.add(tab);
      this.#tell(tab, answered(answer, question));
    }
    for (const [other, asked] of line.questions)
      if (asked !== question) this.#connect(other, asked, line);
    this.#hangUp(question.channel, line);
  }

  /**
   * Connect a client to a channel that others hear already.
   *
   * @param {Tab} tab
   * @param {Message} question
   * @param {Line} line
   */
  #connect(tab, question, line) {
    const { channel, epoch, offset, history } = question;
    /** @type {Message[]} */
    const held = [];
    line.held.set(tab, held);
    /** @type {(subscribed: Message, past?: Message[]) => void} */
    const finish = (subscribed, past = []) => {
      if (line.held.get(tab) !== held) return;
      line.held.delete(tab);
      line.tabs.add(tab);
      this.#tell(tab, { type: "subscribed", id: question.id, channel, ...subscribed });
      for (const one of past) this.#tell(tab, { type: "event", channel, ...one });
      for (const message of held) this.#tell(tab, message);
    };
    /** @type {typeof finish} */
    const withMembers = (subscribed, past) => {
      if (!channel.startsWith("presence-")) return finish(subscribed, past);
      this.#ask({ type: "presence", channel }, ({ count, members }) =>
        finish({ ...subscribed, presence: { count, members } }, past),
      );
    };
    if (epoch !== undefined) this.#since({ channel, epoch, offset }, line, withMembers);
    else if (history) this.#last({ channel, limit: history }, line, withMembers);
    else withMembers({ ...line.position, recovered: false });
  }

  /**
   * @param {Message} where
   * @param {Line} line
   * @param {(subscribed: Message, past?: Message[]) => void} then
   * @param {Message[]} [past] what was read already
   */
  #since({ channel, epoch, offset }, line, then, past = []) {
    this.#ask({ type: "history", channel, epoch, offset, limit: PAGE }, (answer) => {
      if (answer.type === "error")
        return then({ ...line.position, recovered: false, reason: answer.message });
      past.push(...answer.publications);
      const last = past.at(-1)?.offset ?? offset;
      if (answer.publications.length < PAGE || last >= answer.offset)
        return then({ epoch, offset: answer.offset, recovered: true }, past);
      return this.#since({ channel, epoch, offset: last }, line, then, past);
    });
  }

  /**
   * @param {Message} what
   * @param {Line} line
   * @param {(subscribed: Message, past?: Message[]) => void} then
   */
  #last({ channel, limit }, line, then) {
    this.#ask({ type: "history", channel, limit }, ({ type, epoch, offset, publications }) => {
      if (type === "error") then({ ...line.position, recovered: false });
      else then({ epoch, offset, recovered: false }, publications);
    });
  }

  /**
   * @param {Tab} tab
   * @param {string} name
   * @param {Line} line
   */
  #leave(tab, name, line) {
    line.leave(tab);
    this.#hangUp(name, line);
  }

  /**
   * Leave a channel that nobody wants any more.
   *
   * @param {string} name
   * @param {Line} line
   */
  #hangUp(name, line) {
    if (!line.ready || line.questions.size > 0) return;
    this.#lines.delete(name);
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
