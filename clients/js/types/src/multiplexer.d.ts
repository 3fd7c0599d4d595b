/** Several clients on one connection: who asked what, and who subscribes to which channel. No I/O. */
export type Tab = string;
export type Message = Record<string, any>;
export type Outlets = {
    server: (message: Message) => void;
    tabs: (tabs: Tab[], message: Message) => void;
};
/**
 * Lets several clients speak the protocol over one connection.
 *
 * The server knows one subscription for each channel. A client that comes to a channel later, or comes
 * back to it, is given what it missed by asking the server for its history. What overlaps comes twice:
 * clients leave out what they have seen, by its offset.
 */
export declare class Multiplexer {
    #private;
    /** @param {Outlets} out */
    constructor(out: Outlets);
    /** @param {Tab} tab */
    join(tab: Tab): void;
    /**
     * Tell a client that comes later what the connection began with.
     *
     * @param {Tab} tab
     */
    greet(tab: Tab): void;
    /** @param {Tab} tab */
    leave(tab: Tab): void;
    /**
     * A client says something.
     *
     * @param {Tab} tab
     * @param {Message} message
     */
    fromTab(tab: Tab, message: Message): void;
    /**
     * The server says something.
     *
     * @param {Message} message
     */
    fromServer(message: Message): void;
}
