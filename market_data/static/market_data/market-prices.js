/** The one writer of the page: paints what the poller knows into the cards that the server has rendered. */

import * as format from "./number-format.js";
import { ARROWS, STATE_WORDS, STATUS_WORDS, pairNote, summary, updatedAt } from "./presentation.js";

const FLASH_MS = 900

export class MarketPrices {
  #root
  #fields
  #cards = new Map()
  #painted = new WeakMap() // element → name → what stands there
  #outcomes = {}
  #waiting = null
  #isCalm = matchMedia("(prefers-reduced-motion: reduce)")

  /** `root` is the rendered component, an element with `data-market-prices`. */
  constructor(root) {
    this.#root = root
    this.#fields = fieldsOf(root)
    for (const card of root.querySelectorAll("[data-pair]")) {
      this.#cards.set(card.dataset.pair, { card, fields: fieldsOf(card), record: null })
    }
  }

  /** Paint a snapshot with the next frame; of several before that frame only the last. */
  show(snapshot) {
    if (!this.#waiting) requestAnimationFrame(() => this.#paint())
    this.#waiting = snapshot
  }

  /** Say why prices are missing; an empty text says nothing. */
  showReasons(text) {
    this.#write(this.#fields.reasons, text)
  }

  /** Note the outcomes (pair → word) of the last refresh; they are shown with the next snapshot. */
  noteOutcomes(outcomes) {
    this.#outcomes = outcomes
  }

  /** Say of each pair (pair → quote asset) that another quote asset prices it. */
  showAliases(aliases) {
    for (const [pair, quoteAsset] of Object.entries(aliases)) {
      this.#write(this.#cards.get(pair)?.fields.alias, `priced in ${quoteAsset}`)
    }
  }

  #paint() {
    const snapshot = this.#waiting
    this.#waiting = null
    this.#mark(this.#root, "status", snapshot.status)
    this.#write(this.#fields.status, STATUS_WORDS[snapshot.status])
    this.#write(this.#fields.summary, summary(snapshot))
    this.#write(this.#fields.updated, updatedAt(snapshot.lastUpdate))
    if (snapshot.source) this.#show(this.#fields.simulated, snapshot.source === "simulator")
    for (const [pair, shown] of this.#cards) this.#paintCard(shown, pair, snapshot)
  }

  #paintCard(shown, pair, { prices, states, ages }) {
    const { card, fields } = shown
    const state = states[pair]
    this.#mark(card, "state", state)
    this.#write(fields.state, STATE_WORDS[state])
    this.#write(fields.note, pairNote(state, this.#outcomes[pair]))
    const record = prices[pair]
    if (!record) return
    this.#write(fields.age, format.formatAge(ages[pair]))
    if (record === shown.record) return
    this.#paintFigures(card, fields, record)
    this.#flash(fields.price, record.price, shown.record?.price)
    shown.record = record
  }

  #paintFigures(card, fields, { text }) {
    const direction = format.changeDirection(text.change24h)
    this.#mark(card, "change", direction)
    this.#write(fields.arrow, ARROWS[direction])
    this.#write(fields.change, format.formatChange(text.change24h))
    this.#write(fields.price, format.formatPrice(text.price))
    this.#write(fields.high, format.formatPrice(text.high24h))
    this.#write(fields.low, format.formatPrice(text.low24h))
    this.#write(fields.volume, format.formatCompact(text.volume))
    const percent = format.rangePosition(text.price, text.low24h, text.high24h)
    this.#mark(card, "range", percent === null ? "none" : "known")
    if (percent !== null) this.#attribute(fields.position, "x", `${percent}%`)
  }

  #flash(element, price, before) {
    if (!before || price === before || this.#isCalm.matches) return
    if (!element.checkVisibility({ contentVisibilityAuto: true })) return
    const colour = price > before ? "var(--market-data-up)" : "var(--market-data-down)"
    element.animate([{ color: colour }, {}], { duration: FLASH_MS, easing: "ease-out" })
  }

  #write(element, text) {
    if (element && this.#isNews(element, "", text, () => element.textContent)) element.textContent = text
  }

  #mark(element, name, value) {
    this.#attribute(element, `data-${name}`, value)
  }

  #attribute(element, name, value) {
    if (this.#isNews(element, name, value, () => element.getAttribute(name))) element.setAttribute(name, value)
  }

  #show(element, isShown) {
    if (element && this.#isNews(element, "hidden", !isShown, () => element.hidden)) element.hidden = !isShown
  }

  #isNews(element, name, value, read) {
    let painted = this.#painted.get(element)
    if (!painted) this.#painted.set(element, (painted = new Map()))
    const before = painted.has(name) ? painted.get(name) : read()
    painted.set(name, value)
    return before !== value
  }
}

function fieldsOf(element) {
  const owner = (field) => field.closest("[data-pair]") ?? element
  const fields = [...element.querySelectorAll("[data-field]")].filter((field) => owner(field) === element)
  return Object.fromEntries(fields.map((field) => [field.dataset.field, field]))
}
