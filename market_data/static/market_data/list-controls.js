/** Search, order, favourites, and cards or table: what a reader does to the list, kept in the address and the browser. */

import { writeAttribute, writeHidden, writeText } from "./element-writer.js";
import { NO_CHOICE, inOrder, isFound, nextSort, readChoice, usable, writeChoice } from "./list-choice.js";
import { foundText } from "./presentation.js";

const STORE = "market-data-list"
const REORDER_MS = 10_000 // rows that trade places with every price cannot be read

/** What the parts are to a screen reader: those of a table, or of a list of cards. */
const ROLES = [
  ["[data-list]", "table", null],
  ["[data-columns]", "row", "group"],
  ["[data-column]", "columnheader", null],
  ["[data-rows]", "rowgroup", "list"],
  ["[data-pair]", "row", "listitem"],
  ["[data-cell]", "cell", null],
  ["[data-cell='name']", "rowheader", null],
]

export class ListControls {
  #root
  #cards
  #fields
  #rows
  #choice = NO_CHOICE
  #favourites
  #orderedAtMs = null
  #listening = new AbortController()

  /** `cards` are pair → {pair, element, record}; a component rendered without controls is left as it is. */
  constructor(root, cards, fields) {
    this.#root = root
    this.#cards = cards
    this.#fields = fields
    this.#rows = root.querySelector("[data-rows]")
    if (!fields.controls) return
    const stored = readStore()
    this.#favourites = new Set(stored.favourites)
    this.#apply({ ...NO_CHOICE, ...stored.choice, ...readChoice(location.search) })
    this.#orderedAtMs = -Infinity // no price is known yet
    history.replaceState(history.state, "", this.#address)
    const { signal } = this.#listening
    root.addEventListener("click", (event) => this.#press(event.target.closest("button")), { signal })
    root.addEventListener("input", (event) => this.#search(event.target.value), { signal })
    addEventListener("popstate", () => this.#apply({ ...NO_CHOICE, ...readChoice(location.search) }), { signal })
  }

  end() {
    this.#listening.abort()
  }

  /** Bring the rows into their order again where prices decide on it; never under a reader's hand. */
  follow(nowMs) {
    const by = this.#choice.sort?.by
    if (!by || by === "name" || nowMs - this.#orderedAtMs < REORDER_MS) return
    if (Number.isFinite(this.#orderedAtMs) && this.#rows.matches(":hover, :focus-within")) return
    this.#order(nowMs)
  }

  get #address() {
    return `${location.pathname}${writeChoice(location.search, this.#choice)}${location.hash}`
  }

  #press(button) {
    if (!button) return
    const { sort, view, favourite } = button.dataset
    if (favourite !== undefined) return this.#toggle(button.closest("[data-pair]").dataset.pair)
    if (sort) this.#choose({ sort: nextSort(this.#choice.sort, sort) })
    if (view) this.#choose({ view })
  }

  #choose(part) {
    this.#apply({ ...this.#choice, ...part })
    history.pushState(null, "", this.#address)
    this.#store()
  }

  /** Every letter changes the address, but Back returns to before the first. */
  #search(search) {
    const isFirst = !this.#choice.search
    this.#apply({ ...this.#choice, ...usable({ search }) })
    history[isFirst ? "pushState" : "replaceState"](null, "", this.#address)
  }

  #toggle(pair) {
    if (!this.#favourites.delete(pair)) this.#favourites.add(pair)
    this.#markFavourites()
    this.#order(performance.now())
    this.#store()
  }

  #apply(choice) {
    const before = this.#choice
    this.#choice = choice
    const input = this.#root.querySelector("[data-search]")
    if (input.value !== choice.search) input.value = choice.search
    if (before.view !== choice.view || this.#root.dataset.view !== choice.view) this.#look()
    this.#markFavourites()
    this.#markSort()
    this.#filter()
    this.#order(performance.now())
  }

  #look() {
    const isTable = this.#choice.view === "table"
    this.#root.dataset.view = this.#choice.view
    for (const [selector, inTable, inCards] of ROLES) {
      const role = isTable ? inTable : inCards
      for (const element of this.#root.querySelectorAll(selector)) {
        if (role) element.setAttribute("role", role)
        else element.removeAttribute("role")
      }
    }
    for (const button of this.#root.querySelectorAll("button[data-view]")) {
      button.setAttribute("aria-pressed", button.dataset.view === this.#choice.view)
    }
  }

  #markFavourites() {
    for (const { pair, element } of this.#cards.values()) {
      writeAttribute(element.querySelector("[data-favourite]"), "aria-pressed", String(this.#favourites.has(pair)))
    }
  }

  #markSort() {
    const { sort, view } = this.#choice
    for (const button of this.#root.querySelectorAll("button[data-sort]")) {
      const direction = button.dataset.sort === sort?.by ? (sort.isAscending ? "ascending" : "descending") : "none"
      const column = button.closest("[data-column]")
      column.dataset.sorted = direction
      if (view === "table") column.setAttribute("aria-sort", direction)
      else column.removeAttribute("aria-sort")
      writeText(button.querySelector("[data-direction]"), direction === "none" ? "" : `, ${direction}`)
    }
  }

  #filter() {
    let found = 0
    for (const { pair, element } of this.#cards.values()) {
      const isShown = isFound(pair, this.#choice.search)
      writeHidden(element, !isShown)
      found += isShown
    }
    writeText(this.#fields.found, foundText(this.#choice.search, found, this.#cards.size))
    writeHidden(this.#fields.nothing, found > 0 || this.#cards.size === 0)
  }

  /** Move only what is not in its place; what has the focus keeps it. */
  #order(nowMs) {
    this.#orderedAtMs = nowMs
    const focused = document.activeElement
    let place = this.#rows.firstElementChild
    for (const { element } of inOrder(this.#cards.values(), this.#choice, this.#favourites)) {
      if (element === place) place = place.nextElementSibling
      else this.#rows.insertBefore(element, place)
    }
    if (this.#rows.contains(focused) && document.activeElement !== focused) focused.focus({ preventScroll: true })
  }

  #store() {
    const { sort, view } = this.#choice
    try {
      localStorage.setItem(STORE, JSON.stringify({ sort, view, favourites: [...this.#favourites] }))
    } catch {
      // a browser may keep nothing; the address still has the choice
    }
  }
}

function readStore() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORE)) ?? {}
    const favourites = Array.isArray(stored.favourites) ? stored.favourites : []
    return { choice: usable({ sort: stored.sort, view: stored.view }), favourites }
  } catch {
    return { choice: {}, favourites: [] }
  }
}
