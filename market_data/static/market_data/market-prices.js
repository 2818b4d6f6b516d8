/** The one writer of the page: paints what the poller knows into the cards that the server has rendered. */

import { writeAttribute, writeHidden, writeText } from "./element-writer.js";
import { FrameSlices } from "./frame-slices.js";
import { ListControls } from "./list-controls.js";
import { STATUS_WORDS, summary, updatedAt } from "./presentation.js";
import { PriceCard } from "./price-card.js";
import { PriceHistory } from "./price-history.js";
import { PriceSeries } from "./price-series.js";

const NEAR = "25% 0px" // of the window: what is about to be scrolled into sight is painted too

export class MarketPrices {
  #root
  #fields
  #cards = new Map()
  #slices = new FrameSlices()
  #series = new PriceSeries()
  #history
  #controls
  #snapshot = null
  #outcomes = {}
  #isWaiting = false

  /** `root` is the rendered component, an element with `data-market-prices`; `config` is the JSON that it holds. */
  constructor(root, config = readConfig(root)) {
    this.#root = root
    this.#fields = fieldsOf(root)
    for (const element of root.querySelectorAll("[data-pair]")) {
      this.#cards.set(element.dataset.pair, new PriceCard(element, fieldsOf(element), this.#series))
    }
    this.#history = new PriceHistory(config.historyUrl, this.#series)
    this.#controls = new ListControls(root, this.#cards, this.#fields)
    const sight = new IntersectionObserver((entries) => this.#see(entries), { rootMargin: NEAR })
    for (const { element } of this.#cards.values()) sight.observe(element)
  }

  /** Paint a snapshot with the next frame; of several before that frame only the last. */
  show(snapshot) {
    this.#snapshot = snapshot
    if (this.#isWaiting) return
    this.#isWaiting = true
    requestAnimationFrame(() => this.#paint())
  }

  /** Say why prices are missing; an empty text says nothing. */
  showReasons(text) {
    writeText(this.#fields.reasons, text)
  }

  /** Note the outcomes (pair → word) of the last refresh; they are shown with the next snapshot. */
  noteOutcomes(outcomes) {
    this.#outcomes = outcomes
  }

  /** Say of each pair (pair → quote asset) that another quote asset prices it. */
  showAliases(aliases) {
    for (const [pair, quoteAsset] of Object.entries(aliases)) this.#cards.get(pair)?.showAlias(quoteAsset)
  }

  #paint() {
    const snapshot = this.#snapshot
    this.#isWaiting = false
    writeAttribute(this.#root, "data-status", snapshot.status)
    writeText(this.#fields.status, STATUS_WORDS[snapshot.status])
    writeText(this.#fields.summary, summary(snapshot))
    writeText(this.#fields.updated, updatedAt(snapshot.lastUpdate))
    if (snapshot.source) writeHidden(this.#fields.simulated, snapshot.source !== "simulator")
    const due = []
    for (const [pair, card] of this.#cards) {
      card.take(snapshot, this.#outcomes[pair])
      if (card.isDue) due.push(card)
    }
    due.sort((one, other) => other.isSeen - one.isSeen)
    this.#slices.start(due, (card) => card.paint())
    this.#controls.follow(performance.now())
    this.#follow()
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

function readConfig(root) {
  return JSON.parse(root.querySelector("script[type='application/json']")?.textContent ?? "{}")
}

function fieldsOf(element) {
  const owner = (field) => field.closest("[data-pair]") ?? element
  const fields = [...element.querySelectorAll("[data-field]")].filter((field) => owner(field) === element)
  return Object.fromEntries(fields.map((field) => [field.dataset.field, field]))
}
