/** The tasks, kept in one JSON file. */

import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";

export const TEXT_MAX = 120;
const TASKS_MAX = 200;

const FIRST = ["Water the plants", "Buy bread and apples", "Call the plumber back"];

/** @typedef {{id: string, text: string, done: boolean}} Task */

/** The list, in the order in which tasks were added. */
export class Tasks {
  /** @type {Map<string, Task>} */
  #tasks;
  #file;

  /** @param {string} file made with a few tasks when it is not there */
  constructor(file) {
    this.#file = file;
    this.#tasks = new Map(read(file).map((task) => [task.id, task]));
  }

  all() {
    return [...this.#tasks.values()];
  }

  /** @param {string} id */
  get(id) {
    return this.#tasks.get(id);
  }

  /**
   * @param {unknown} text
   * @returns {Task | null} null when the text is none, or the list is full
   */
  add(text) {
    const words = typeof text === "string" ? text.trim().slice(0, TEXT_MAX) : "";
    if (!words || this.#tasks.size >= TASKS_MAX) return null;
    return this.#save({ id: randomUUID(), text: words, done: false });
  }

  /**
   * @param {string} id
   * @param {boolean} done
   * @returns {Task | null} null when there is no such task
   */
  mark(id, done) {
    const task = this.#tasks.get(id);
    return task ? this.#save({ ...task, done }) : null;
  }

  /** @param {string} id */
  remove(id) {
    const removed = this.#tasks.delete(id);
    if (removed) this.#write();
    return removed;
  }

  /** @param {Task} task */
  #save(task) {
    this.#tasks.set(task.id, task);
    this.#write();
    return task;
  }

  #write() {
    // Renamed into place: whoever reads finds the old list or the new one, never half of it.
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.all(), null, 2));
    renameSync(`${this.#file}.new`, this.#file);
  }
}

/**
 * @param {string} file
 * @returns {Task[]}
 */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
    return FIRST.map((text, index) => ({ id: randomUUID(), text, done: index === 0 }));
  }
}
