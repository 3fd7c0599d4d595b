/** What most pages never need; loaded when they do. Its exports keep their names in the built files. */
export { advice } from "./advice.js";
export { fallback } from "./fallback.js";
