/** One pair's card or row: knows what is painted on it, and paints what has changed. */

import { writeAttribute, writeText } from "./element-writer.js";
import * as format from "./number-format.js";
import { ARROWS, DIRECTION_WORDS, STATE_WORDS, exchangeText, isLong, pairNote } from "./presentation.js";
import { INTERVAL_MS } from "./price-series.js";
import { sparkline } from "./sparkline.js";

const FLASH_MS = 700
const NEWS_MS = 60_000 // a change of exchange is told for so long
const calm = matchMedia("(prefers-reduced-motion: reduce)")

export class PriceCard {
  #fields
  #series
  #next = null // what is to be painted
  #painted = {}
  #texts = {}
  #movedAtMs = -Infinity // when another exchange began to give the price
  isSeen = false
  record = null

  /** `fields` are the card's `data-field` elements by name; those that a page leaves out are not painted. */
  constructor(element, fields, series) {
    this.element = element
    this.pair = element.dataset.pair
    this.#fields = fields
    this.#series = series
  }

  /** Take a snapshot of the poller in; it is painted later. */
  take({ prices, states, ages, lastServerUpdate }, outcome) {
    const record = prices[this.pair]
    if (record && record !== this.record) this.#series.note(record)
    const nowMs = performance.now()
    if (record && this.record?.exchange && this.record.exchange !== record.exchange) this.#movedAtMs = nowMs
    if (record) this.record = record
    const revision = this.#series.revision(this.pair)
    const endMs = Math.ceil(lastServerUpdate / INTERVAL_MS) * INTERVAL_MS
    const exchange = exchangeText(record?.exchange, nowMs - this.#movedAtMs < NEWS_MS)
    const line = `${revision} ${endMs}`
    this.#next = { record, state: states[this.pair], outcome, exchange, age: ages[this.pair], line, endMs }
  }

  /** Whether something is to be painted; nobody sees the age and the line of a card out of sight. */
  get isDue() {
    const [next, painted] = [this.#next, this.#painted]
    if (["record", "state", "outcome", "exchange"].some((name) => next[name] !== painted[name])) return true
    return this.isSeen && (Math.floor(next.age / 1000) !== Math.floor(painted.age / 1000) || next.line !== painted.line)
  }

  /** When the figures that are painted were received. */
  get shownAtMs() {
    return this.#painted.record?.timestamp ?? 0
  }

  paint() {
    const { record, state, outcome, exchange, age, line, endMs } = this.#next
    const before = this.#painted
    writeAttribute(this.element, "data-state", state)
    writeText(this.#fields.state, STATE_WORDS[state])
    writeText(this.#fields.note, pairNote(state, outcome))
    writeText(this.#fields.exchange, exchange)
    if (record) {
      writeText(this.#fields.age, format.formatAge(age))
      if (record !== before.record) this.#paintFigures(record.text)
      this.#flash(record.price, before.record?.price)
      if (this.isSeen && line !== before.line) this.#paintLine(endMs)
    }
    this.#painted = { record, state, outcome, exchange, age, line: this.isSeen ? line : before.line }
  }

  showAlias(text) {
    writeText(this.#fields.alias, text)
  }

  #paintFigures(text) {
    const { arrow, direction, change, price, high, low, volume, position } = this.#fields
    if (this.#isNews("change", text.change24h)) {
      const word = format.changeDirection(text.change24h)
      writeAttribute(this.element, "data-change", word)
      writeText(arrow, ARROWS[word])
      writeText(direction, DIRECTION_WORDS[word])
      writeText(change, format.formatChange(text.change24h))
    }
    if (this.#isNews("price", text.price)) {
      const shown = format.formatPrice(text.price)
      writeText(price, shown)
      writeAttribute(price, "data-length", isLong(shown) ? "long" : "usual")
    }
    if (this.#isNews("high", text.high24h)) writeText(high, format.formatPrice(text.high24h))
    if (this.#isNews("low", text.low24h)) writeText(low, format.formatPrice(text.low24h))
    if (this.#isNews("volume", text.volume)) writeText(volume, format.formatCompact(text.volume))
    const percent = format.rangePosition(text.price, text.low24h, text.high24h)
    writeAttribute(this.element, "data-range", percent === null ? "none" : "known")
    if (percent !== null) writeAttribute(position, "x", `${percent}%`)
  }

  #paintLine(endMs) {
    const { line, area, trend } = sparkline(this.#series.points(this.pair), endMs, this.#series.intervalMs)
    writeAttribute(this.#fields.line, "d", line)
    writeAttribute(this.#fields.area, "d", area)
    writeAttribute(this.element, "data-trend", trend)
  }

  #flash(price, before) {
    if (!before || price === before || !this.isSeen || calm.matches) return
    const colour = `var(--market-data-${price > before ? "up" : "down"})`
    const from = { color: colour, backgroundColor: `color-mix(in srgb, ${colour} 18%, transparent)` }
    this.#fields.price.animate([from, {}], { duration: FLASH_MS, easing: "ease-out" })
  }

  #isNews(name, text) {
    const isNews = this.#texts[name] !== text
    this.#texts[name] = text
    return isNews
  }
}
