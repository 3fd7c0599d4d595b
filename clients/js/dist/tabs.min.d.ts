export * from "../types/src/tabs.js";
