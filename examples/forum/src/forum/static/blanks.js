/** The blanks that the server drew, to be filled with what came from River. */

import { tell } from "./times.js";

/**
 * Make a new item of a list from its blank.
 *
 * @param {string} name the blank's `data-` attribute
 */
export function fresh(name) {
  return document.querySelector(`template[${name}]`).content.firstElementChild.cloneNode(true);
}

/**
 * Write data into the slots of an item. All of it goes in as text: nothing in it can become a tag.
 *
 * @param {HTMLElement} item
 * @param {Record<string, string | number>} data
 */
export function fill(item, data) {
  for (const slot of item.querySelectorAll("[data-slot]")) {
    const value = String(data[slot.dataset.slot] ?? "");
    if (slot instanceof HTMLTimeElement) {
      slot.dateTime = value;
      tell(slot);
    } else {
      slot.textContent = value;
    }
    if ("hue" in slot.dataset) slot.dataset.hue = String(Number(data.hue));
  }
}
