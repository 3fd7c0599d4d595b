/** For a script tag: what pages with pusher-js from a content network have as `Pusher`. */

import { Pusher } from "./pusher.js";

/** @type {{ Pusher?: typeof Pusher }} */ (globalThis).Pusher = Pusher;
