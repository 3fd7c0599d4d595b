export * from "../types/src/river.js";
