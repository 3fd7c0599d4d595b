/** What most pages never need; loaded when they do. Its exports keep their names in the built files. */

export {
  channelAdvice,
  ignoredAdvice,
  memberlessAdvice,
  nameAdvice,
  statusAdvice,
} from "./advice.js";
export { fallback } from "./fallback.js";
