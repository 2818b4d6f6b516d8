/**
 * The dashboard's script: it keeps each rendered component current, and shows its state in the tab.
 *
 * Import statements end with a semicolon, for Django finds them by it when it hashes the names of static files.
 */

import { keepRenderedCurrent } from "./live-component.js";
import { STATUS_WORDS } from "./presentation.js";

const SILENT = new Set(["polling", "idle"])

/** The state in the tab's title and icon, for those who have it in the background. */
class TabState {
  #icons
  #title
  #link
  #usualIcon
  #shown = null

  /** `icons` has the addresses of the icons for `stale`, `unavailable` and `error`. */
  constructor(icons) {
    this.#icons = icons
    this.#title = document.title
    this.#link = document.querySelector("link[rel~='icon']")
    this.#usualIcon = this.#link?.getAttribute("href")
  }

  /** Put the word of a state that is not live in front of the title, and show its icon. */
  show(status) {
    if (status === this.#shown) return
    this.#shown = status
    document.title = SILENT.has(status) ? this.#title : `${STATUS_WORDS[status]} · ${this.#title}`
    this.#link?.setAttribute("href", this.#icons[status] ?? this.#usualIcon)
  }
}

keepRenderedCurrent(({ tabIcons }) => {
  const tab = tabIcons && new TabState(tabIcons)
  return tab && (({ status }) => tab.show(status))
})
