/** The one writer of the page: paints what the poller knows into the cards that the server has rendered. */

import { writeAttribute, writeHidden, writeText } from "./element-writer.js";
import { ListControls } from "./list-controls.js";
import { STATUS_WORDS, summary, updatedAt } from "./presentation.js";
import { PriceCard } from "./price-card.js";
import { PriceHistory, PriceSeries } from "./price-series.js";

const NEAR = "25% 0px" // of the window: what is about to be scrolled into sight is painted too
const BUDGET_MS = 2 // of script in a frame; the style, layout and paint that follow from it come on top
const SEEN_AT_ONCE = 3 // for these cost more than the script
const UNSEEN_AT_ONCE = 4

export class MarketPrices {
  #root
  #fields
  #cards = new Map()
  #due = [] // cards that are still to be painted, in this order
  #series = new PriceSeries()
  #history
  #controls
  #sight
  #snapshot = null
  #outcomes = {}
  #frame = null
  #isTold = false // of a snapshot that is not painted yet
  #isEnded = false

  /** `root` is the rendered component, an element with `data-market-prices`; `config` is the JSON that it holds. */
  constructor(root, config) {
    this.#root = root
    this.#fields = fieldsOf(root)
    for (const element of root.querySelectorAll("[data-pair]")) {
      this.#cards.set(element.dataset.pair, new PriceCard(element, fieldsOf(element), this.#series))
    }
    this.#history = new PriceHistory(config.historyUrl, this.#series)
    this.#controls = new ListControls(root, this.#cards, this.#fields)
    this.#sight = new IntersectionObserver((entries) => this.#see(entries), { rootMargin: NEAR })
    for (const { element } of this.#cards.values()) this.#sight.observe(element)
  }

  /** Paint a snapshot with the next frame; of several before that frame only the last. */
  show(snapshot) {
    this.#snapshot = snapshot
    this.#isTold = true
    this.#askForFrame()
  }

  /** Paint nothing more, and let go of everything that the browser would keep for this component. */
  end() {
    this.#isEnded = true
    cancelAnimationFrame(this.#frame)
    this.#sight.disconnect()
    this.#controls.end()
  }

  /** Say why prices are missing; an empty text says nothing. */
  showReasons(text) {
    writeText(this.#fields.reasons, text)
  }

  /** Note the outcomes (pair → word) of the last refresh; they are shown with the next snapshot. */
  noteOutcomes(outcomes) {
    this.#outcomes = outcomes
  }

  /** Say of the pairs that another quote asset prices (pair → text) what that is and what it is worth. */
  showAliases(aliases) {
    for (const [pair, card] of this.#cards) card.showAlias(aliases[pair] ?? "")
  }

  #askForFrame() {
    if (!this.#isEnded) this.#frame ??= requestAnimationFrame(() => this.#paint())
  }

  #paint() {
    this.#frame = null
    if (this.#isTold) this.#takeIn(this.#snapshot)
    this.#paintCards()
    if (this.#due.length) this.#askForFrame()
  }

  #takeIn(snapshot) {
    this.#isTold = false
    writeAttribute(this.#root, "data-status", snapshot.status)
    writeText(this.#fields.status, STATUS_WORDS[snapshot.status])
    writeText(this.#fields.summary, summary(snapshot))
    writeText(this.#fields.updated, updatedAt(snapshot.lastUpdate))
    if (snapshot.source) writeHidden(this.#fields.simulated, snapshot.source !== "simulator")
    const cards = [...this.#cards.values()]
    for (const card of cards) card.take(snapshot, this.#outcomes[card.pair])
    const due = cards.filter(({ isDue }) => isDue)
    this.#due = due.sort((one, other) => other.isSeen - one.isSeen || one.shownAtMs - other.shownAtMs)
    this.#controls.follow(performance.now())
    this.#follow()
  }

  /** Paint as much as a frame has room for: what is seen first, then what has waited longest. */
  #paintCards() {
    const endsAtMs = performance.now() + BUDGET_MS
    const most = this.#due[0]?.isSeen ? SEEN_AT_ONCE : UNSEEN_AT_ONCE
    let count = 0
    while (count < Math.min(most, this.#due.length) && performance.now() < endsAtMs) this.#due[count++].paint()
    this.#due.splice(0, count)
  }

  #see(entries) {
    for (const { target, isIntersecting } of entries) this.#cards.get(target.dataset.pair).isSeen = isIntersecting
    if (this.#snapshot) this.show(this.#snapshot)
  }

  async #follow() {
    const seen = [...this.#cards.values()].filter(({ isSeen }) => isSeen)
    if (await this.#history.follow(seen.map(({ pair }) => pair))) this.show(this.#snapshot)
  }
}

function fieldsOf(element) {
  const owner = (field) => field.closest("[data-pair]") ?? element
  const fields = [...element.querySelectorAll("[data-field]")].filter((field) => owner(field) === element)
  return Object.fromEntries(fields.map((field) => [field.dataset.field, field]))
}
