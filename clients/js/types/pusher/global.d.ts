/** For a script tag: what pages with pusher-js from a content network have as `Pusher`. */
export {};
