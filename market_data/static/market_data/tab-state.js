/** The state in the tab's title and icon, for those who have the page in the background. */

import { STATUS_WORDS } from "./presentation.js";

const SILENT = new Set(["polling", "idle"])

export class TabState {
  #document
  #icons
  #title
  #link
  #usualIcon
  #shown = null

  /** `icons` has the addresses of the icons for `stale`, `unavailable` and `error`. */
  constructor(document, icons) {
    this.#document = document
    this.#icons = icons
    this.#title = document.title
    this.#link = document.querySelector("link[rel~='icon']")
    this.#usualIcon = this.#link?.getAttribute("href")
  }

  /** Put the word of a state that is not live in front of the title, and show its icon. */
  show(status) {
    if (status === this.#shown) return
    this.#shown = status
    this.#document.title = SILENT.has(status) ? this.#title : `${STATUS_WORDS[status]} · ${this.#title}`
    this.#link?.setAttribute("href", this.#icons[status] ?? this.#usualIcon)
  }
}
